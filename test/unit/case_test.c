/*
 * case_test.c: answers in the vendors' own words (cases/), with what must come of each. Where a case is told by
 * what goes out, it is in dialect_test.c and dialect_more_test.c; where by a whole server, in tap/110_faults_wire.t and
 * tap/230_rate.t.
 */
#include "dialect_case.h"

/* The file, with "@now-30h" and the like made times of ours. */
static char *
words_of(const char *name)
{
	static char text[16384];
	char path[200], raw[8192];
	size_t len, to = 0;
	FILE *file;

	snprintf(path, sizeof(path), "cases/%s.json", name);
	file = fopen(path, "r");
	if (file == NULL)
	{
		ok(false, "%s is there", path);
		return text;
	}
	len = fread(raw, 1, sizeof(raw) - 1, file);
	fclose(file);
	raw[len] = '\0';
	for (size_t i = 0; i < len; i++)
		if (strncmp(raw + i, "@now-", 5) == 0)
		{
			int hours = atoi(raw + i + 5);

			to += (size_t) snprintf(text + to, 40, "2026-11-%02dT%02d:00:00%s", 20 - (hours + 4) / 24,
									(24 + 20 - hours % 24) % 24, strcmp(dialect->name, "parkpow-v1") == 0 ? "" : "Z");
			i += 5 + strcspn(raw + i + 5, "h");
		}
		else
			text[to++] = raw[i];
	text[to] = '\0';
	return text;
}

static int
odd_values(const char *member)
{
	for (int i = 0; i < page.nodd; i++)
		if (strcmp(page.odd[i].member, member) == 0)
			return (int) page.odd[i].count;
	return 0;
}

/* All of a page: so many reads, none of them bad, and its end. */
static void
whole(const char *of, const char *name, int reads)
{
	start(of);
	query.until = moment("2026-11-30T00:00:00Z");
	if (dialect->needs_register)
		cameras();
	make_legs(dialect->by_camera ? site.ncameras : 1);
	page_is(legs, words_of(name), reads, 0, LPR_PAGE_END, name);
}

/* The first read of a page. */
static void
first(const char *of, const char *name)
{
	start(of);
	make_legs(1);
	ok(open_page(legs, words_of(name)) && step() == LPR_PAGE_READ, "%s: a read", name);
}

int
main(void)
{
	LprText said = {0};
	const char *body;

	whole("rekor-scout-v2", "05-scout-corner-number", 1);
	whole("verkada-v1", "06-verkada-page-token-string", 1);
	is_text(legs->next, "eyJvIjoyfQ==", "its next page");
	whole("lpr-v1", "07-image-empty", 1);
	ok(page.nodd == 0, "no image is nothing odd");
	whole("lpr-v1", "09-number-as-text", 2);
	first("lpr-v1", "09-number-as-text");
	ok(read_.has_confidence && read_.confidence == 0.9, "a number all the same");

	start("parkpow-v1");
	site.url = "https://app.parkpow.example";
	make_legs(1);
	page_is(legs, words_of("13-parkpow-next-scheme"), 2, 0, LPR_PAGE_END, "13-parkpow-next-scheme: both ends");
	asks(legs, "https://app.parkpow.example/api/v1/visit-list/?page=2&plate=7ABC123", NULL, NULL, NULL);
	first("parkpow-v1", "14-parkpow-decimal-text");
	ok(read_.has_point && read_.latitude == 32.5423 && read_.longitude == -117.0299, "where it stands");
	whole("parkpow-v1", "16-parkpow-next-empty", 2);
	ok(legs->next == NULL, "no next page");

	whole("lpr-v1", "24-lpr-v1-long-address", 3);
	ok(odd_values("camera_owner") == 1, "a text that is cut is counted");
	first("lpr-v1", "24-lpr-v1-long-address");
	is_slice(read_.address, "1 Main St San Ysidro, CA 92173", "a line break is a blank");
	ok(step() == LPR_PAGE_READ && read_.camera_owner.len == LPR_TEXT_MAX && step() == LPR_PAGE_READ,
	   "an owner that is cut, an id of many letters");

	start("lpr-v1");
	make_legs(1);
	body = words_of("25-error-with-200");
	page_is(legs, body, 0, 0, LPR_PAGE_FAULT, "25-error-with-200");
	ok(dialect->refusal(200, body, strlen(body), &said), "it is a refusal");
	is_text(said.data, "unavailable: Index is being rebuilt", "in its words");
	lpr_text_free(&said);
	whole("lpr-v1", "26-bom", 1);

	whole("lpr-v1", "30-confidence-percent", 1);
	ok(odd_values("confidence") == 1, "is counted");
	first("lpr-v1", "30-confidence-percent");
	ok(!read_.has_confidence, "and left out");

	whole("lpr-v1", "35-times", 4);
	first("lpr-v1", "35-times");
	ok(read_.captured_at == moment("2026-11-29T08:00:00Z"), "without seconds");
	ok(step() == LPR_PAGE_READ && read_.captured_at == moment("2026-11-30T00:00:00Z"), "24:00:00 is the next day");
	ok(step() == LPR_PAGE_READ && read_.captured_at == moment("2026-11-29T08:00:00Z"), "UTC");
	ok(step() == LPR_PAGE_READ && read_.captured_at == moment("2026-11-29T08:00:00.123456Z"), "ten decimals");
	return finish();
}
