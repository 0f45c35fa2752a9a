/*
 * image.c: from which addresses images are fetched, and what counts as one.
 */
#include "source/image.h"

#include "format/digest.h"
#include "source/outgoing.h"

/* A vendor may keep its images elsewhere, but only where the administrator says so. */
static bool
is_allowed_origin(LprSource *source, LprSlice url)
{
	const char *origins = source->options.image_origins;

	if (lpr_url_same_origin(url, (LprSlice){source->options.url, strlen(source->options.url)}))
		return true;
	while (*origins != '\0')
	{
		size_t len = strcspn(origins, " ");

		if (len > 0 && lpr_url_same_origin(url, (LprSlice){origins, len}))
			return true;
		origins += len + strspn(origins + len, " ");
	}
	return false;
}

/*
 * An address belongs to a read, and may open the image to whoever has it: on record is its digest. Who has the
 * vendor's log finds it there.
 */
static void
show_digest(LprSlice url, LprText *shown)
{
	LprHash hash;
	LprDigest digest;
	char hex[2 * LPR_DIGEST_LEN + 1];

	lpr_hash_start(&hash);
	lpr_hash_add(&hash, url.data, url.len);
	lpr_hash_end(&hash, &digest);
	lpr_hex(digest.bytes, LPR_DIGEST_LEN, hex);
	lpr_text_printf(shown, "GET image sha256:%s", hex);
}

/*
 * Image URLs are signed by the vendor, and our secret goes to none of them; but for a vendor that wants it there, and
 * then to its own origin only, which gets it with every question. It stands first, as the vendor documents it.
 */
static void
add_url(LprSource *source, LprSlice url, LprText *to)
{
	const char *name = source->options.dialect->image_secret;
	const char *secret = source->site.secret;
	const char *question = memchr(url.data, '?', url.len);
	size_t path = question != NULL ? (size_t) (question - url.data) : url.len;

	lpr_text_append(to, url.data, path);
	if (name != NULL && secret != NULL &&
		lpr_url_same_origin(url, (LprSlice){source->options.url, strlen(source->options.url)}))
	{
		lpr_text_printf(to, "?%s=", name);
		lpr_text_add_escaped(to, secret, strlen(secret));
		if (question != NULL)
			lpr_text_adds(to, "&");
	}
	else if (question != NULL)
		lpr_text_adds(to, "?");
	if (question != NULL)
		lpr_text_append(to, question + 1, url.len - path - 1);
}

LprHttp *
lpr_image_start(LprSource *source, MemoryContext context, LprQueryStats *stats, LprSlice url)
{
	LprRequest request = {.class = LPR_REQUEST_IMAGE, .repeatable = true};

	if (!is_allowed_origin(source, url))
		return NULL;
	add_url(source, url, &request.url);
	show_digest(url, &request.shown);
	if (request.url.failed || request.shown.failed)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	return lpr_outgoing(source, context, NULL, stats, &request, (size_t) source->options.max_image_kilobytes * 1024);
}

/* Only what looks like an image is handed on as one. */
static bool
is_image(const char *body, size_t len)
{
	return (len > 8 && memcmp(body, "\x89PNG\r\n\x1a\n", 8) == 0) ||
		   (len > 3 && memcmp(body, "\xff\xd8\xff", 3) == 0) ||
		   (len > 12 && memcmp(body, "RIFF", 4) == 0 && memcmp(body + 8, "WEBP", 4) == 0);
}

bytea *
lpr_image_take(LprQueryStats *stats, LprHttp *http)
{
	bytea *image = NULL;
	const char *body;
	size_t len;

	if (http == NULL)
	{
		stats->images_missing++;
		return NULL;
	}
	while (!lpr_http_settled(http))
		lpr_http_wait(-1);
	body = lpr_http_body(http, &len);
	if (lpr_http_state(http) == LPR_HTTP_DONE && is_image(body, len))
	{
		image = palloc(VARHDRSZ + len);
		SET_VARSIZE(image, VARHDRSZ + len);
		memcpy(VARDATA(image), body, len);
	}
	else
		stats->images_missing++;
	lpr_query_stats_cost(stats, lpr_http_cost(http));
	lpr_http_free(http);
	return image;
}
