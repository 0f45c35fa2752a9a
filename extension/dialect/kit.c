/*
 * kit.c: requests put together safely, pages walked.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dialect/kit.h"
#include "core/region.h"

enum
{
	PHASE_START,
	PHASE_OBJECT, /* between members of the page */
	PHASE_READS,  /* in the array of reads */
	PHASE_DONE,
	PHASE_FAULT = -1 /* lpr_page_step looks for it */
};

static bool
printable(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char) text[i] < 0x20 || (unsigned char) text[i] >= 0x7F)
			return false;
	return true;
}

bool
lpr_request_begin(LprRequest *request, LprRequestClass class, bool post, const LprSite *site, const char *path,
				  LprFault *fault)
{
	LprText origin = {0};
	LprSlice url = lpr_slice(site->url);
	bool ok = lpr_url_origin(url, &origin) && strpbrk(site->url, "?#") == NULL;

	lpr_text_free(&origin);
	if (!ok)
		return lpr_fault(fault, LPR_STATE_BAD_OPTION, "option \"url\" of the source is not a plain http or https URL");
	request->class = class;
	request->post = post;
	request->repeatable = true; /* nothing that we ask changes anything at a vendor */
	while (url.len > 0 && url.data[url.len - 1] == '/')
		url.len--;
	lpr_text_append(&request->url, url.data, url.len);
	lpr_text_adds(&request->url, path);
	lpr_text_printf(&request->shown, "%s %s", post ? "POST" : "GET", path);
	return true;
}

static void
add_param(LprText *text, const char *name, LprSlice value)
{
	if (text->failed)
		return;
	lpr_text_adds(text, strchr(text->data, '?') ? "&" : "?");
	lpr_text_adds(text, name);
	lpr_text_adds(text, "=");
	lpr_text_add_escaped(text, value.data, value.len);
}

void
lpr_request_param(LprRequest *request, const char *name, LprSlice value)
{
	add_param(&request->url, name, value);
	add_param(&request->shown, name, value);
}

void
lpr_request_secret_param(LprRequest *request, const char *name, const char *value)
{
	add_param(&request->url, name, lpr_slice(value));
}

void
lpr_request_form(LprRequest *request, const char *name, const char *value, bool secret)
{
	bool first = request->body.len == 0;

	lpr_text_adds(&request->body, first ? "" : "&");
	lpr_text_adds(&request->body, name);
	lpr_text_adds(&request->body, "=");
	lpr_text_add_escaped(&request->body, value, strlen(value));
	lpr_text_adds(&request->shown, first ? " " : "&");
	lpr_text_adds(&request->shown, name);
	lpr_text_adds(&request->shown, "=");
	if (secret)
		lpr_text_adds(&request->shown, "***");
	else
		lpr_text_add_escaped(&request->shown, value, strlen(value));
}

bool
lpr_request_header(LprRequest *request, const char *name, const char *prefix, const char *value, LprFault *fault)
{
	if (value == NULL || value[0] == '\0' || !printable(value, strlen(value)))
		return lpr_fault(fault, LPR_STATE_BAD_OPTION,
						 "the value for the request header \"%s\" is empty or has characters that do not belong there",
						 name);
	lpr_text_printf(&request->headers, "%s: %s%s\n", name, prefix, value);
	return true;
}

bool
lpr_request_done(LprRequest *request, LprFault *fault)
{
	if (request->url.failed || request->body.failed || request->headers.failed || request->shown.failed)
		return lpr_fault(fault, LPR_STATE_NO_MEMORY, "out of memory");
	return true;
}

bool
lpr_site_secret(const LprSite *site, LprFault *fault)
{
	if (site->secret == NULL || site->secret[0] == '\0')
		return lpr_fault(fault, LPR_STATE_BAD_OPTION, "the source has no secret");
	return true;
}

bool
lpr_leg_ready(const LprLeg *leg, LprFault *fault)
{
	if (leg->pages > 0 && leg->next == NULL)
		return lpr_fault(fault, LPR_STATE_VENDOR, "there is no next page to ask for");
	return true;
}

int
lpr_leg_page_size(LprLeg *leg, const LprDialect *dialect)
{
	int size = leg->page_size > 0         ? leg->page_size
			   : leg->site->page_size > 0 ? leg->site->page_size
										  : dialect->page_size;

	leg->asked_size = size < dialect->page_size_max ? size : dialect->page_size_max;
	return leg->asked_size;
}

bool
lpr_site_take_token(LprSite *site, LprJson *json, const char *name, LprSlice token, int seconds, LprFault *fault)
{
	char *copy;

	if (!lpr_json_finish(json))
		return false;
	if (token.data == NULL)
		return lpr_json_fault(json, "member \"%s\" is missing", name);
	if (token.len == 0 || token.len > LPR_TOKEN_MAX || memchr(token.data, ' ', token.len) ||
		!printable(token.data, token.len))
		return lpr_fault(fault, LPR_STATE_BAD_REPLY,
						 "malformed reply: the token has characters that do not belong there");
	copy = strndup(token.data, token.len);
	if (copy == NULL)
		return lpr_fault(fault, LPR_STATE_NO_MEMORY, "out of memory");
	free(site->token);
	site->token = copy;
	site->token_seconds = seconds;
	return true;
}

bool
lpr_next_field(LprJson *json, const LprField *fields, int nfields, unsigned *seen, int *field)
{
	LprSlice key;

	*field = -1;
	while (lpr_json_key(json, &key))
	{
		/* Where the vendor keeps our order, it is the one behind the last. */
		int f = *seen ? 32 - __builtin_clz(*seen) : 0, tried = 0;

		for (; tried < nfields; tried++, f++)
		{
			if (f >= nfields)
				f = 0;
			if (fields[f].len == key.len && fields[f].name[0] == key.data[0] &&
				memcmp(fields[f].name, key.data, key.len) == 0)
				break;
		}
		if (tried == nfields)
		{
			if (!lpr_json_skip(json))
				return false;
			continue;
		}
		if (*seen & 1u << f)
		{
			lpr_json_twice(json, fields[f].name);
			if (!lpr_json_skip(json))
				return false;
			continue;
		}
		*seen |= 1u << f;
		*field = f;
		return true;
	}
	return false;
}

bool
lpr_page_lacks(LprPage *page, const char *name)
{
	page->phase = PHASE_FAULT;
	return lpr_fault(&page->fault, LPR_STATE_BAD_REPLY, "malformed reply: member \"%s\" is missing", name);
}

/* There is no next page that could be asked for: why is told when the reads of this one were shown. */
bool
lpr_page_no_next(LprPage *page, const char *why, LprSlice sent)
{
	char excerpt[LPR_EXCERPT_ROOM];

	lpr_fault(&page->late, LPR_STATE_BAD_REPLY, "%s", why);
	if (sent.data != NULL)
		lpr_fault_detail(&page->late, "The vendor sent: %s", lpr_excerpt(sent.data, sent.len, excerpt));
	return lpr_page_next(page, (LprSlice){NULL, 0});
}

bool
lpr_page_next(LprPage *page, LprSlice cursor)
{
	static const LprSlice none = {NULL, 0};
	LprLeg *leg = page->leg;
	char *copy = NULL;

	if (cursor.data != NULL && cursor.len > 0)
	{
		if (!lpr_text_ok(cursor, LPR_CURSOR_MAX))
			return lpr_page_no_next(page, "malformed reply: unusable reference to the next page", none);
		if (leg->next != NULL && strlen(leg->next) == cursor.len && memcmp(leg->next, cursor.data, cursor.len) == 0)
			return lpr_page_no_next(page, "the vendor sends the same page again", none);
		copy = strndup(cursor.data, cursor.len);
		if (copy == NULL)
		{
			page->phase = PHASE_FAULT;
			return lpr_fault(&page->fault, LPR_STATE_NO_MEMORY, "out of memory");
		}
	}
	free(leg->next);
	leg->next = copy;
	leg->next_known = true;
	return true;
}

static bool
page_end(LprPage *page, const LprPageShape *shape)
{
	if (!lpr_json_finish(page->json))
		return false;
	if (shape->nmembers > 0 && !page->bare && !(page->seen & 1))
		return lpr_page_lacks(page, shape->members[0].name);
	if (!page->leg->next_known)
	{
		if (shape->next_required)
			return lpr_page_lacks(page, shape->members[1].name);
		if (shape->at_end ? !shape->at_end(page) : !lpr_page_next(page, (LprSlice){NULL, 0}))
			return false;
	}
	if (page->late.message[0] != '\0')
	{
		page->fault = page->late;
		page->phase = PHASE_FAULT;
		return false;
	}
	page->phase = PHASE_DONE;
	return true;
}

/* One element of the array. What is none of a read's members, or says two things at once, costs this read only. */
static LprPageStep
walk_read(LprPage *page, LprRead *read, const LprPageShape *shape)
{
	LprJson *json = page->json;
	const char *twice;

	if (lpr_json_peek(json) != LPR_JSON_OBJECT)
	{
		if (!lpr_json_skip(json))
			return LPR_PAGE_FAULT;
		lpr_page_bad(page, "read_id", "is missing: it is no object", (LprSlice){NULL, 0});
		return LPR_PAGE_READ;
	}
	if (!lpr_json_enter(json, LPR_JSON_OBJECT) || !shape->take_read(page, read))
		return LPR_PAGE_FAULT;
	twice = lpr_json_forgive(json);
	if (twice != NULL)
	{
		lpr_page_bad(page, twice, "stands twice", (LprSlice){NULL, 0});
		page->has_other = false;
	}
	return LPR_PAGE_READ;
}

LprPageStep
lpr_page_walk(LprPage *page, LprRead *read, const LprPageShape *shape)
{
	LprJson *json = page->json;
	bool whole = shape->nmembers > 0 && !page->bare;
	int field;

	for (;;)
		switch (page->phase)
		{
			case PHASE_START:
				page->bare = shape->bare_too && lpr_json_peek(json) == LPR_JSON_ARRAY;
				whole = whole && !page->bare;
				if (!lpr_json_enter(json, whole ? LPR_JSON_OBJECT : LPR_JSON_ARRAY))
					return LPR_PAGE_FAULT;
				page->phase = whole ? PHASE_OBJECT : PHASE_READS;
				break;
			case PHASE_OBJECT:
				if (lpr_next_field(json, shape->members, shape->nmembers, &page->seen, &field))
				{
					if (field == 0)
					{
						if (!lpr_json_enter(json, LPR_JSON_ARRAY))
							return LPR_PAGE_FAULT;
						page->phase = PHASE_READS;
					}
					else if (shape->take_member ? !shape->take_member(page, field) : !shape->take_next(page))
						return LPR_PAGE_FAULT;
				}
				else if (lpr_json_failed(json) || !page_end(page, shape))
					return LPR_PAGE_FAULT;
				break;
			case PHASE_READS:
				if (page->has_other)
				{
					*read = page->other;
					page->has_other = false;
					return LPR_PAGE_READ;
				}
				if (lpr_json_more(json))
					return walk_read(page, read, shape);
				if (lpr_json_failed(json))
					return LPR_PAGE_FAULT;
				if (whole)
					page->phase = PHASE_OBJECT;
				else if (!page_end(page, shape))
					return LPR_PAGE_FAULT;
				break;
			case PHASE_DONE:
				return LPR_PAGE_END;
			default:
				return LPR_PAGE_FAULT;
		}
}

void
lpr_page_bad(LprPage *page, const char *column, const char *what, LprSlice value)
{
	char excerpt[LPR_EXCERPT_ROOM];

	if (page->fault.message[0] != '\0')
		return;
	lpr_fault(&page->fault, LPR_STATE_BAD_REPLY, "unusable read %d of page %d: column \"%s\" %s", page->reads + 1,
			  page->leg->pages, column, what);
	if (value.data != NULL)
		lpr_fault_detail(&page->fault, "The vendor sent: %s", lpr_excerpt(value.data, value.len, excerpt));
}

void
lpr_take_region(LprRead *read, LprSlice region)
{
	if (region.data != NULL && !lpr_region_told(region, read->plate_region))
		read->plate_region[0] = '\0';
}

void
lpr_join_camera(LprRead *read, const LprCamera *camera)
{
	if (camera == NULL)
		return;
	read->camera_owner = lpr_slice(camera->owner);
	read->camera_type = lpr_slice(camera->type);
	read->camera_region = lpr_slice(camera->region);
	read->country = lpr_slice(camera->country);
	read->address = lpr_slice(camera->address);
	read->has_point = camera->has_point;
	read->latitude = camera->latitude;
	read->longitude = camera->longitude;
}
