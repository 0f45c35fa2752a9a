/*
 * value.c: values of a read. One whose meaning is plain is taken, whatever its type: a number as a text, a whole number
 * with a point, a list of one. Any other is left out and counted by its member; it never costs more than itself.
 *
 * What comes as it should is taken by the inline functions of kit.h: this here is for the odd ones.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json_value.h"
#include "dialect/kit.h"

void
lpr_page_odd(LprPage *page, LprSlice member)
{
	size_t len = member.len < LPR_MEMBER_MAX - 1 ? member.len : LPR_MEMBER_MAX - 1;
	int i = 0;

	if (member.data == NULL)
		return;
	while (i < page->nodd && (strlen(page->odd[i].member) != len || memcmp(page->odd[i].member, member.data, len) != 0))
		i++;
	if (i == LPR_ODD_MAX)
		i--; /* no dialect takes that many members */
	if (i == page->nodd)
	{
		memcpy(page->odd[i].member, member.data, len);
		page->odd[i].member[len] = '\0';
		page->odd[i].count = 0;
		page->nodd++;
	}
	page->odd[i].count++;
}

static bool
is_word(LprSlice text, const char *word)
{
	return text.len == strlen(word) && memcmp(text.data, word, text.len) == 0;
}

static LprSlice
trimmed(LprSlice text)
{
	while (text.len > 0 && (unsigned char) text.data[0] <= ' ')
		text = (LprSlice){text.data + 1, text.len - 1};
	while (text.len > 0 && (unsigned char) text.data[text.len - 1] <= ' ')
		text.len--;
	return text;
}

/* What vendors write in a text where others write null. */
static bool
means_null(LprSlice text)
{
	text = trimmed(text);
	return text.len == 0 || is_word(text, "None") || is_word(text, "null");
}

/* Passes over the value that stands next, and counts it. */
static bool
skip_odd(LprPage *page)
{
	LprSlice member = lpr_json_member(page->json);

	if (!lpr_json_skip(page->json))
		return false;
	lpr_page_odd(page, member);
	return true;
}

/* A list that stands next, if it has one text or number: that one. Anything else is odd. */
static bool
take_only_element(LprPage *page, LprSlice *value)
{
	LprJson *json = page->json;
	LprSlice member = lpr_json_member(json);
	int n = 0;

	*value = (LprSlice){NULL, 0};
	if (!lpr_json_enter(json, LPR_JSON_ARRAY))
		return false;
	for (; lpr_json_more(json); n++)
	{
		LprJsonKind kind = lpr_json_peek(json);

		if (n > 0 || (kind != LPR_JSON_STRING && kind != LPR_JSON_NUMBER))
		{
			*value = (LprSlice){NULL, 0};
			n++;
			if (!lpr_json_skip(json))
				return false;
		}
		else if (!lpr_json_scalar(json, value))
			return false;
	}
	if (value->data == NULL)
		lpr_page_odd(page, member);
	return !lpr_json_failed(json);
}

bool
lpr_take_other_text(LprPage *page, LprSlice *value)
{
	*value = (LprSlice){NULL, 0};
	switch (lpr_json_peek(page->json))
	{
		case LPR_JSON_NUMBER:
			return lpr_json_scalar(page->json, value);
		case LPR_JSON_ARRAY:
			return take_only_element(page, value);
		case LPR_JSON_FAULT:
			return false;
		default:
			return skip_odd(page);
	}
}

/* A number as JSON writes it, but for a plus or zeros before it: "0.90", "-117.0299", "1e3". */
static bool
number_of(LprSlice text, double *value)
{
	size_t i = 0, digits = 0;

	text = trimmed(text);
	if (text.len == 0 || text.len > 60)
		return false;
	if (text.data[0] == '+')
		text = (LprSlice){text.data + 1, text.len - 1};
	if (i < text.len && text.data[i] == '-')
		i++;
	for (; i < text.len && text.data[i] >= '0' && text.data[i] <= '9'; i++)
		digits++;
	if (i < text.len && text.data[i] == '.')
		for (i++; i < text.len && text.data[i] >= '0' && text.data[i] <= '9'; i++)
			digits++;
	if (digits == 0)
		return false;
	if (i < text.len && (text.data[i] == 'e' || text.data[i] == 'E'))
	{
		size_t exponent = ++i;

		if (i < text.len && (text.data[i] == '+' || text.data[i] == '-'))
			exponent = ++i;
		while (i < text.len && text.data[i] >= '0' && text.data[i] <= '9')
			i++;
		if (i == exponent)
			return false;
	}
	return i == text.len && lpr_json_to_double(text, value);
}

bool
lpr_take_other_double(LprPage *page, bool *given, double *value)
{
	LprSlice member = lpr_json_member(page->json), text;

	*given = false;
	switch (lpr_json_peek(page->json))
	{
		case LPR_JSON_STRING:
			if (!lpr_json_string(page->json, &text))
				return false;
			if (means_null(text))
				return true;
			break;
		case LPR_JSON_ARRAY:
			if (!take_only_element(page, &text))
				return false;
			if (text.data == NULL)
				return true;
			break;
		case LPR_JSON_FAULT:
			return false;
		default:
			return skip_odd(page);
	}
	*given = number_of(text, value);
	if (!*given)
		lpr_page_odd(page, member);
	return true;
}

bool
lpr_take_cursor(LprPage *page, LprSlice *cursor)
{
	static const LprSlice none = {NULL, 0};
	LprJsonKind kind = lpr_json_peek(page->json);

	*cursor = none;
	if (kind == LPR_JSON_STRING || kind == LPR_JSON_NUMBER || kind == LPR_JSON_NULL)
		return lpr_json_scalar(page->json, cursor);
	if (kind != LPR_JSON_FALSE && kind != LPR_JSON_FAULT)
		lpr_page_no_next(page, "malformed reply: unusable reference to the next page", none);
	return lpr_json_skip(page->json);
}

bool
lpr_take_object(LprPage *page)
{
	LprJson *json = page->json;
	LprSlice member = lpr_json_member(json), text;

	switch (lpr_json_peek(json))
	{
		case LPR_JSON_OBJECT:
			return lpr_json_enter(json, LPR_JSON_OBJECT);
		case LPR_JSON_NULL:
			lpr_json_skip(json);
			return false;
		case LPR_JSON_STRING:
			if (lpr_json_string(json, &text) && !means_null(text))
				lpr_page_odd(page, member);
			return false;
		case LPR_JSON_FAULT:
			return false;
		default:
			skip_odd(page);
			return false;
	}
}

/* So many digits, and perhaps a fraction, since 1970: of which unit, their number tells. */
static bool
moment_of_number(LprSlice text, LprMoment *moment)
{
	double value, per_second;

	if (!number_of(text, &value) || !(value >= 1e8 && value < 1e17))
		return false;
	per_second = value < 1e11 ? 1 : value < 1e14 ? 1e3 : 1e6;
	/* Apart, since a double has no room for the microseconds of today. */
	*moment = LPR_MOMENT_NONE;
	if (!lpr_moment_from_epoch((int64_t) floor(value), (int64_t) per_second, moment))
		return false;
	*moment += (int64_t) llround((value - floor(value)) * 1e6 / per_second);
	return true;
}

bool
lpr_take_moment(LprPage *page, bool zone_optional, LprMoment *moment)
{
	const LprSite *site = page->leg->site;
	LprSlice text;
	bool zone = true;

	if (!lpr_take_text(page, &text))
		return false;
	if (text.data == NULL)
		return true;
	if (lpr_moment_parse(text, zone_optional || site->zone != NULL ? &zone : NULL, moment))
	{
		if (!zone && site->zone != NULL)
			*moment = site->in_zone(site->zone, *moment);
		page->no_zone |= !zone && site->zone == NULL;
	}
	else if (!moment_of_number(text, moment) && !means_null(text))
		lpr_page_bad(page, "captured_at", "is not a point in time", text);
	return true;
}

bool
lpr_take_confidence(LprPage *page, LprRead *read, double scale)
{
	LprSlice member = lpr_json_member(page->json);

	if (!lpr_take_double(page, &read->has_confidence, &read->confidence))
		return false;
	if (!read->has_confidence)
		return true;
	read->confidence /= scale;
	/* Written so that NaN fails. */
	if (!(read->confidence >= 0 && read->confidence <= 1))
	{
		read->has_confidence = false;
		lpr_page_odd(page, member);
	}
	return true;
}

void
lpr_take_point(LprPage *page, LprRead *read, const LprPointParts *parts)
{
	bool good_latitude = parts->has_latitude && parts->latitude >= -90 && parts->latitude <= 90;
	bool good_longitude = parts->has_longitude && parts->longitude >= -180 && parts->longitude <= 180;

	read->has_point = good_latitude && good_longitude;
	read->latitude = read->has_point ? parts->latitude : 0;
	read->longitude = read->has_point ? parts->longitude : 0;
	if (read->has_point || (!parts->has_latitude && !parts->has_longitude))
		return;
	/* One of the two alone is no place. */
	lpr_page_odd(page, lpr_slice(good_latitude ? "longitude" : "latitude"));
}

char *
lpr_page_room(LprPage *page, size_t len)
{
	char *room;

	if (page->clean.size == 0)
	{
		lpr_text_extend(&page->clean, LPR_CLEAN_TEXTS * LPR_TEXT_MAX + 2 * LPR_ID_MAX);
		page->clean.len = 0;
	}
	room = lpr_text_extend(&page->clean, len);
	page->scratch.failed |= room == NULL;
	return room;
}

/* Not longer than it may be, and clean; an identifier that is not is left out, since a part of it is another one. */
void
lpr_page_clean(LprPage *page, LprSlice *text, const char *member, size_t max, bool whole)
{
	char *room;
	size_t len;

	if (whole)
	{
		*text = (LprSlice){NULL, 0};
		lpr_page_odd(page, lpr_slice(member));
		return;
	}
	room = lpr_page_room(page, max);
	if (room == NULL)
		return;
	len = lpr_text_clean(*text, max, room);
	if (text->len > max)
		lpr_page_odd(page, lpr_slice(member)); /* cut */
	*text = (LprSlice){len > 0 ? room : NULL, len};
}

static bool
image_ok(LprSlice url)
{
	bool http = url.len > 8 && (memcmp(url.data, "https://", 8) == 0 || memcmp(url.data, "http://", 7) == 0);
	size_t i = 0;

	if (!http || url.len > LPR_IMAGE_URL_MAX)
		return false;
	while (url.len - i >= 8 && lpr_eight_printable(url.data + i, 0x21))
		i += 8;
	for (; i < url.len; i++)
		if ((unsigned char) url.data[i] <= 0x20 || (unsigned char) url.data[i] >= 0x7F)
			return false;
	return true;
}

/* A host and a path, as in the example of a vendor's document: what it lacks is the scheme. */
static bool
begins_with_host(LprSlice url)
{
	const char *path = memchr(url.data, '/', url.len);
	size_t len = path != NULL ? (size_t) (path - url.data) : 0;

	return memchr(url.data, '.', len) != NULL || memchr(url.data, ':', len) != NULL;
}

/* Off the way of good links: none at all, a path at the vendor's own origin, one without its scheme, or odd. */
static void
check_odd_image(LprPage *page, LprSlice *url, const char *member, LprText *link)
{
	const char *base = page->leg->site->url;
	const char *host = strstr(base, "://");
	LprText origin = {0};
	size_t given = 0; /* so much of the base goes before it */

	if (means_null(*url))
	{
		*url = (LprSlice){NULL, 0};
		return;
	}
	link->len = 0;
	if (host != NULL && url->len > 1 && url->data[0] == '/' && url->data[1] != '/' && url->data[1] != '\\')
		given = (size_t) (host - base) + 3 + strcspn(host + 3, "/?#");
	else if (host != NULL && begins_with_host(*url))
		given = (size_t) (host - base) + 3;
	if (given > 0)
	{
		lpr_text_append(link, base, given);
		lpr_text_append(link, url->data, url->len);
		page->scratch.failed |= link->failed;
		*url = (LprSlice){link->data, link->len};
		given = !link->failed && image_ok(*url) && lpr_url_origin(*url, &origin) ? given : 0;
		lpr_text_free(&origin);
	}
	if (given > 0)
		return;
	*url = (LprSlice){NULL, 0};
	lpr_page_odd(page, lpr_slice(member));
}

void
lpr_page_check_images(LprPage *page, LprRead *read)
{
	if (read->plate_image.data != NULL && !image_ok(read->plate_image))
		check_odd_image(page, &read->plate_image, "plate_image", &page->link[0]);
	if (read->vehicle_image.data != NULL && !image_ok(read->vehicle_image))
		check_odd_image(page, &read->vehicle_image, "vehicle_image", &page->link[1]);
}
