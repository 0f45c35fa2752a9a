/*
 * strict: a body that is JSON (RFC 8259), and nothing else. json-c only makes the tree afterwards: its versions differ
 * in what they let pass, and 0.18, told to be strict, refuses every letter beyond ASCII.
 *
 * It shares nothing with the reader of the extension, whose requests it judges.
 */
#include <json-c/json.h>

#include "vendor.h"

#define DEPTH_MAX 16

/* Every function: behind what stands at s, or NULL when that is not what it should be. */

static const unsigned char *
blanks(const unsigned char *s, const unsigned char *end)
{
	while (s < end && (*s == ' ' || *s == '\t' || *s == '\n' || *s == '\r'))
		s++;
	return s;
}

/* One character of UTF-8: no longer than it must be, no surrogate. */
static const unsigned char *
character(const unsigned char *s, const unsigned char *end)
{
	static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
	int more = *s < 0x80 ? 0 : *s < 0xC0 ? -1 : *s < 0xE0 ? 1 : *s < 0xF0 ? 2 : *s < 0xF8 ? 3 : -1;
	uint32_t code = more > 0 ? *s & (0x3Fu >> more) : *s;

	if (more < 0 || end - s <= more)
		return NULL;
	s++;
	for (int i = 0; i < more; i++, s++)
	{
		if ((*s & 0xC0) != 0x80)
			return NULL;
		code = code << 6 | (*s & 0x3Fu);
	}
	return code < least[more] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF) ? NULL : s;
}

static const unsigned char *
escape(const unsigned char *s, const unsigned char *end)
{
	if (s == end)
		return NULL;
	if (*s != 'u')
		return strchr("\"\\/bfnrt", *s) != NULL && *s != '\0' ? s + 1 : NULL;
	s++;
	for (int i = 0; i < 4; i++, s++)
		if (s == end || !((*s >= '0' && *s <= '9') || (*s >= 'a' && *s <= 'f') || (*s >= 'A' && *s <= 'F')))
			return NULL;
	return s;
}

static const unsigned char *
string(const unsigned char *s, const unsigned char *end)
{
	if (s == end || *s++ != '"')
		return NULL;
	while (s != NULL && s < end && *s != '"')
		if (*s < 0x20)
			return NULL;
		else
			s = *s == '\\' ? escape(s + 1, end) : character(s, end);
	return s != NULL && s < end ? s + 1 : NULL;
}

static const unsigned char *
digits(const unsigned char *s, const unsigned char *end)
{
	const unsigned char *from = s;

	while (s < end && *s >= '0' && *s <= '9')
		s++;
	return s > from ? s : NULL;
}

static const unsigned char *
number(const unsigned char *s, const unsigned char *end)
{
	if (*s == '-')
		s++;
	s = s < end && *s == '0' ? s + 1 : digits(s, end);
	if (s != NULL && s < end && *s == '.')
		s = digits(s + 1, end);
	if (s != NULL && s < end && (*s == 'e' || *s == 'E'))
	{
		s++;
		if (s < end && (*s == '+' || *s == '-'))
			s++;
		s = digits(s, end);
	}
	return s;
}

static const unsigned char *
word(const unsigned char *s, const unsigned char *end, const char *expected)
{
	size_t len = strlen(expected);

	return (size_t) (end - s) >= len && memcmp(s, expected, len) == 0 ? s + len : NULL;
}

static const unsigned char *value(const unsigned char *s, const unsigned char *end, int depth);

/* What stands behind the opening of an object or array, up to its end. */
static const unsigned char *
parts(const unsigned char *s, const unsigned char *end, char close, int depth)
{
	s = blanks(s, end);
	if (s < end && *s == close)
		return s + 1;
	for (;;)
	{
		if (close == '}')
		{
			s = string(blanks(s, end), end);
			if (s != NULL)
				s = blanks(s, end);
			if (s == NULL || s == end || *s++ != ':')
				return NULL;
		}
		s = value(s, end, depth);
		if (s == NULL || s == end)
			return NULL;
		if (*s == close)
			return s + 1;
		if (*s++ != ',')
			return NULL;
	}
}

/* With the blanks around it. */
static const unsigned char *
value(const unsigned char *s, const unsigned char *end, int depth)
{
	s = blanks(s, end);
	if (s == end || depth == 0)
		return NULL;
	switch (*s)
	{
		case '{':
			s = parts(s + 1, end, '}', depth - 1);
			break;
		case '[':
			s = parts(s + 1, end, ']', depth - 1);
			break;
		case '"':
			s = string(s, end);
			break;
		case 't':
			s = word(s, end, "true");
			break;
		case 'f':
			s = word(s, end, "false");
			break;
		case 'n':
			s = word(s, end, "null");
			break;
		default:
			s = number(s, end);
			break;
	}
	return s != NULL ? blanks(s, end) : NULL;
}

struct json_object *
json_read(const char *text, size_t len)
{
	const unsigned char *end = (const unsigned char *) text + len;
	struct json_tokener *tokener;
	struct json_object *object;

	if (len == 0 || value((const unsigned char *) text, end, DEPTH_MAX) != end)
		return NULL;
	tokener = json_tokener_new_ex(2 * DEPTH_MAX);
	if (tokener == NULL)
		return NULL;
	object = json_tokener_parse_ex(tokener, text, (int) len);
	json_tokener_free(tokener);
	return object;
}
