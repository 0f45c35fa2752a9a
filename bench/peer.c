/*
 * peer: what one would write without lpr: libcurl's easy interface, one handle kept alive, and json-c, a whole page at
 * a time. It reads all pages of one plate of an lpr-v1 vendor into structs, all fields but the images.
 *
 *   peer URL TOKEN PLATE
 *
 * Each line on its input is one run: "read", or "transport", which fetches the pages and only looks for the cursor. For
 * each it prints a line: reads (pages for transport), a sum over what was read, seconds.
 */
#define _GNU_SOURCE
#include <curl/curl.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PAGE_SIZE 1000

struct text
{
	char *at;
	size_t len;
};

struct seen
{
	struct text id, plate, plate_region;
	int64_t captured_at; /* microseconds since 1970 */
	double confidence;
	bool has_confidence;
	struct text camera_id, owner, type, address, region, country;
	double latitude, longitude;
	struct text make, model, color;
};

struct body
{
	char *at;
	size_t len;
	size_t size;
};

static struct body body;
static struct body strings; /* of the page at hand; as large as the page, which they never outgrow */
static struct seen page_of[PAGE_SIZE];

static void
fail(const char *what)
{
	fprintf(stderr, "peer: %s\n", what);
	exit(1);
}

static void
room(struct body *buffer, size_t size)
{
	if (size <= buffer->size)
		return;
	buffer->size = size > 2 * buffer->size ? size : 2 * buffer->size;
	buffer->at = realloc(buffer->at, buffer->size);
	if (buffer->at == NULL)
		fail("out of memory");
}

static size_t
take_body(char *data, size_t size, size_t count, void *arg)
{
	size_t len = size * count;

	(void) arg;
	room(&body, body.len + len + 1);
	memcpy(body.at + body.len, data, len);
	body.len += len;
	body.at[body.len] = '\0';
	return len;
}

static struct text
text_of(struct json_object *object, const char *key)
{
	struct json_object *value;
	struct text text = {NULL, 0};

	if (!json_object_object_get_ex(object, key, &value) || !json_object_is_type(value, json_type_string))
		return text;
	text.len = (size_t) json_object_get_string_len(value);
	text.at = memcpy(strings.at + strings.len, json_object_get_string(value), text.len + 1);
	strings.len += text.len + 1;
	return text;
}

static double
number_of(struct json_object *object, const char *key, bool *given)
{
	struct json_object *value;
	bool there = json_object_object_get_ex(object, key, &value) && value != NULL;

	if (given != NULL)
		*given = there;
	return there ? json_object_get_double(value) : 0;
}

/* 2024-05-06T07:08:09.123456Z */
static int64_t
time_of(struct json_object *object, const char *key)
{
	struct json_object *value;
	struct tm tm = {0};
	int64_t micros = 0;
	const char *rest;

	if (!json_object_object_get_ex(object, key, &value))
		fail("a read without a time");
	rest = strptime(json_object_get_string(value), "%Y-%m-%dT%H:%M:%S", &tm);
	if (rest == NULL)
		fail("not a time");
	if (*rest == '.')
	{
		int64_t unit = 100000;

		for (rest++; *rest >= '0' && *rest <= '9'; rest++, unit /= 10)
			micros += (*rest - '0') * unit;
	}
	return (int64_t) timegm(&tm) * 1000000 + micros;
}

static void
take_read(struct json_object *object, struct seen *read)
{
	struct json_object *camera = NULL, *vehicle = NULL;

	json_object_object_get_ex(object, "camera", &camera);
	json_object_object_get_ex(object, "vehicle", &vehicle);
	read->id = text_of(object, "id");
	read->plate = text_of(object, "plate");
	read->plate_region = text_of(object, "plate_region");
	read->captured_at = time_of(object, "captured_at");
	read->confidence = number_of(object, "confidence", &read->has_confidence);
	read->camera_id = text_of(camera, "id");
	read->owner = text_of(camera, "owner");
	read->type = text_of(camera, "type");
	read->latitude = number_of(camera, "latitude", NULL);
	read->longitude = number_of(camera, "longitude", NULL);
	read->address = text_of(camera, "address");
	read->region = text_of(camera, "region");
	read->country = text_of(camera, "country");
	read->make = text_of(vehicle, "make");
	read->model = text_of(vehicle, "model");
	read->color = text_of(vehicle, "color");
}

/* Light, but nothing that was read is left out of it. */
static uint64_t
sum_of(const struct seen *read)
{
	const struct text *texts[] = {&read->id,      &read->plate, &read->plate_region, &read->camera_id,
								  &read->owner,   &read->type,  &read->address,      &read->region,
								  &read->country, &read->make,  &read->model,        &read->color};
	uint64_t sum = (uint64_t) read->captured_at;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		sum += texts[i]->len > 0 ? texts[i]->len + (unsigned char) texts[i]->at[texts[i]->len - 1] : 0;
	return sum + (uint64_t) (read->confidence * 1000) + (uint64_t) ((read->latitude - read->longitude) * 1000);
}

static char *cursor;

static void
keep_cursor(const char *text, size_t len)
{
	free(cursor);
	cursor = text != NULL ? strndup(text, len) : NULL;
}

static size_t
take_page(struct json_tokener *tokener, uint64_t *sum)
{
	struct json_object *page, *reads, *next;
	size_t n;

	json_tokener_reset(tokener);
	page = json_tokener_parse_ex(tokener, body.at, (int) body.len);
	if (page == NULL || !json_object_object_get_ex(page, "reads", &reads))
		fail("not a page");
	n = json_object_array_length(reads);
	if (n > PAGE_SIZE)
		fail("too many reads");
	strings.len = 0;
	room(&strings, body.len);
	for (size_t i = 0; i < n; i++)
		take_read(json_object_array_get_idx(reads, i), &page_of[i]);
	for (size_t i = 0; i < n; i++)
		*sum += sum_of(&page_of[i]);
	json_object_object_get_ex(page, "next", &next);
	keep_cursor(next ? json_object_get_string(next) : NULL, next ? (size_t) json_object_get_string_len(next) : 0);
	json_object_put(page);
	return n;
}

/* "next" stands first in the page. */
static size_t
skip_page(uint64_t *sum)
{
	const char *start = strstr(body.at, "\"next\":\"");

	if (start != NULL && start - body.at < 16)
		keep_cursor(start + 8, strcspn(start + 8, "\""));
	else
		keep_cursor(NULL, 0);
	*sum += body.len;
	return 1;
}

static void
run(CURL *easy, struct json_tokener *tokener, const char *plate, bool transport)
{
	struct timespec begin, end;
	uint64_t sum = 0;
	size_t n = 0;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	keep_cursor(NULL, 0);
	do
	{
		char question[512];
		int len = snprintf(question, sizeof(question), "{\"plates\":[\"%s\"],\"page_size\":%d%s%s%s}", plate, PAGE_SIZE,
						   cursor ? ",\"cursor\":\"" : "", cursor ? cursor : "", cursor ? "\"" : "");
		long status;

		body.len = 0;
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long) len);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, question);
		if (curl_easy_perform(easy) != CURLE_OK)
			fail("no answer");
		curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
		if (status != 200)
			fail(body.at);
		n += transport ? skip_page(&sum) : take_page(tokener, &sum);
	} while (cursor != NULL);
	clock_gettime(CLOCK_MONOTONIC, &end);
	printf("%zu %llu %.6f\n", n, (unsigned long long) sum,
		   (double) (end.tv_sec - begin.tv_sec) + (double) (end.tv_nsec - begin.tv_nsec) / 1e9);
	fflush(stdout);
}

int
main(int argc, char **argv)
{
	struct json_tokener *tokener = json_tokener_new();
	struct curl_slist *headers = NULL;
	char url[1024], authorization[256], line[64];
	CURL *easy;

	if (argc != 4)
		fail("peer URL TOKEN PLATE");
	curl_global_init(CURL_GLOBAL_DEFAULT);
	easy = curl_easy_init();
	snprintf(url, sizeof(url), "%s/reads/search", argv[1]);
	snprintf(authorization, sizeof(authorization), "Authorization: Bearer %s", argv[2]);
	headers = curl_slist_append(headers, authorization);
	headers = curl_slist_append(headers, "Content-Type: application/json");
	headers = curl_slist_append(headers, "X-Request-Reference: bench-peer");
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 128L * 1024);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	while (fgets(line, sizeof(line), stdin) != NULL)
		run(easy, tokener, argv[3], strcmp(line, "transport\n") == 0);
	curl_easy_cleanup(easy);
	curl_slist_free_all(headers);
	json_tokener_free(tokener);
	free(body.at);
	free(strings.at);
	free(cursor);
	return 0;
}
