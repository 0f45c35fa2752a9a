/*
 * url.c: the origin of a URL, by which links of a vendor are trusted or refused (pitfall 8).
 *
 * Deliberately narrower than RFC 3986 and than curl: what the two could read differently (user parts, backslashes,
 * several slashes, percent-encoded hosts, blanks) is no URL here.
 */
#include <string.h>

#include "base/url.h"

static bool
has_prefix(LprSlice text, const char *prefix)
{
	size_t len = strlen(prefix);

	if (text.len < len)
		return false;
	for (size_t i = 0; i < len; i++)
		if (lpr_lower(text.data[i]) != prefix[i])
			return false;
	return true;
}

static bool
host_char(char c, bool literal)
{
	c = lpr_lower(c);
	if (literal) /* an IPv6 address in brackets; no zone */
		return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || c == ':' || c == '.';
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '.' || c == '_';
}

bool
lpr_url_origin(LprSlice url, LprText *origin)
{
	size_t scheme, host, at, port = 0;
	bool tls, literal;

	if (url.data == NULL)
		return false;
	for (size_t i = 0; i < url.len; i++)
		if ((unsigned char) url.data[i] <= 0x20 || (unsigned char) url.data[i] >= 0x7F || url.data[i] == '\\')
			return false;

	tls = has_prefix(url, "https://");
	if (!tls && !has_prefix(url, "http://"))
		return false;
	scheme = tls ? 5 : 4;
	host = at = scheme + 3;

	literal = at < url.len && url.data[at] == '[';
	if (literal)
		at++;
	while (at < url.len && host_char(url.data[at], literal))
		at++;
	if (literal)
	{
		if (at == host + 1 || at == url.len || url.data[at] != ']')
			return false;
		at++;
	}
	if (at == host || at - host > 255)
		return false;

	lpr_text_append(origin, tls ? "https://" : "http://", host);
	for (size_t i = host; i < at; i++)
	{
		char c = lpr_lower(url.data[i]);

		lpr_text_append(origin, &c, 1);
	}

	if (at < url.len && url.data[at] == ':')
	{
		size_t digits = ++at;

		for (; at < url.len && url.data[at] >= '0' && url.data[at] <= '9' && at - digits < 6; at++)
			port = port * 10 + (size_t) (url.data[at] - '0');
		if (at == digits || port == 0 || port > 65535)
			return false;
	}
	else
		port = tls ? 443 : 80;
	/* Anything else here, an @ above all, would make another host of it. */
	if (at < url.len && strchr("/?#", url.data[at]) == NULL)
		return false;
	lpr_text_printf(origin, ":%zu", port);
	return !origin->failed;
}

bool
lpr_url_same_origin(LprSlice a, LprSlice b)
{
	LprText left = {0}, right = {0};
	bool same = lpr_url_origin(a, &left) && lpr_url_origin(b, &right) && left.len == right.len &&
				memcmp(left.data, right.data, left.len) == 0;

	lpr_text_free(&left);
	lpr_text_free(&right);
	return same;
}
