/*
 * filter_test.c: every reason for which a read is dropped, alone, and the identifiers met so far.
 */
#include <stdlib.h>

#include "core/filter.h"
#include "tap.h"

#define NOW      (INT64_C(800000000) * LPR_SECOND)
#define DAY      (INT64_C(86400) * LPR_SECOND)
#define FIVE_AGO (NOW - 1826 * DAY)

static const char *plates[] = {"1AAA111", "7ABC123", "9ZZZ999"};

static LprSlice
slice(const char *text)
{
	return (LprSlice){text, text != NULL ? strlen(text) : 0};
}

/* A question that asks for everything at once, and a read that is an answer to it. */
static LprQuery
question(void)
{
	return (LprQuery){.mode = LPR_MODE_PLATE,
					  .nplates = 3,
					  .plates = plates,
					  .region = "CA",
					  .has_near = true,
					  .latitude = 32.7157,
					  .longitude = -117.1611,
					  .radius_m = 1000,
					  .make = "TOYOTA",
					  .model = "LAND CRUISER",
					  .from = NOW - 30 * DAY,
					  .until = NOW - DAY,
					  .asked_at = NOW};
}

static LprRead
answer(void)
{
	return (LprRead){.id = slice("r1"),
					 .plate_as_read = slice("7abc-123"),
					 .plate = "7ABC123",
					 .plate_len = 7,
					 .plate_region = "CA",
					 .captured_at = NOW - 10 * DAY,
					 .country = slice("US"),
					 .camera_region = slice("CA"),
					 .has_point = true,
					 .latitude = 32.7157,
					 .longitude = -117.1611,
					 .make = slice("Toyota"),
					 .model = slice(" land  cruiser ")};
}

static void
drops(const LprQuery *query, const LprRead *read, LprDrop expected, const char *what)
{
	is_text(lpr_drop_name(lpr_filter(query, FIVE_AGO, read)), lpr_drop_name(expected), what);
}

static void
test_question(void)
{
	LprQuery query = question();
	LprRead read = answer();

	drops(&query, &read, LPR_DROP_NONE, "an answer");
	for (int i = 0; i < 3; i++)
	{
		read = answer();
		read.plate_len = (uint32_t) snprintf(read.plate, sizeof(read.plate), "%s", plates[i]);
		drops(&query, &read, LPR_DROP_NONE, plates[i]);
	}
	snprintf(read.plate, sizeof(read.plate), "7ABC124");
	drops(&query, &read, LPR_DROP_OTHER_PLATE, "another plate");
	query.nplates = 0;
	drops(&query, &read, LPR_DROP_NONE, "no plate was asked for");

	query = question();
	read = answer();
	strcpy(read.plate_region, "NV");
	drops(&query, &read, LPR_DROP_OTHER_REGION, "another region");
	read.plate_region[0] = '\0';
	drops(&query, &read, LPR_DROP_OTHER_REGION, "an unknown region");
	query.region_if_known = true;
	drops(&query, &read, LPR_DROP_NONE, "… which will do");
	strcpy(read.plate_region, "NV");
	drops(&query, &read, LPR_DROP_OTHER_REGION, "… when another one does not");
	query.region[0] = '\0';
	drops(&query, &read, LPR_DROP_NONE, "any region");

	query = question();
	read = answer();
	read.make = slice("Toyot");
	drops(&query, &read, LPR_DROP_OTHER_VEHICLE, "another make");
	read.make = slice(NULL);
	drops(&query, &read, LPR_DROP_OTHER_VEHICLE, "an unknown make");
	read = answer();
	read.model = slice("LAND CRUISER 2");
	drops(&query, &read, LPR_DROP_OTHER_VEHICLE, "another model");
	query.model = NULL;
	drops(&query, &read, LPR_DROP_NONE, "any model");

	query = question();
	read = answer();
	read.latitude = 32.7157 + 999 / 111195.0;
	drops(&query, &read, LPR_DROP_NONE, "just within the radius");
	read.latitude = 32.7157 + 1001 / 111195.0;
	drops(&query, &read, LPR_DROP_OTHER_PLACE, "just outside it");
	query.has_near = false;
	drops(&query, &read, LPR_DROP_NONE, "any place");

	query.address_normal = "12 CA\xC3\x91ON RD";
	drops(&query, &read, LPR_DROP_OTHER_PLACE, "no address");
	read.address = slice("12 Canon Rd");
	drops(&query, &read, LPR_DROP_OTHER_PLACE, "another address");
	read.address = slice("at 12  ca\xC3\xB1on rd, east");
	drops(&query, &read, LPR_DROP_NONE, "an address in other letters");
}

static void
test_time(void)
{
	LprQuery query = question();
	LprRead read = answer();

	read.captured_at = query.from;
	drops(&query, &read, LPR_DROP_NONE, "the first moment of the window");
	read.captured_at = query.from - 1;
	drops(&query, &read, LPR_DROP_OUTSIDE_WINDOW, "the moment before");
	read.captured_at = query.until;
	drops(&query, &read, LPR_DROP_NONE, "the last moment of the window");
	read.captured_at = query.until + 1;
	drops(&query, &read, LPR_DROP_OUTSIDE_WINDOW, "the moment after");

	query.from = FIVE_AGO;
	query.until = NOW + LPR_CLOCK_SKEW;
	read.captured_at = FIVE_AGO;
	drops(&query, &read, LPR_DROP_NONE, "five years ago");
	read.captured_at = FIVE_AGO - 1;
	drops(&query, &read, LPR_DROP_TOO_OLD, "longer ago");
	query.from = FIVE_AGO - 400 * DAY;
	drops(&query, &read, LPR_DROP_TOO_OLD, "… whatever the window is");
	read.captured_at = NOW + LPR_CLOCK_SKEW;
	drops(&query, &read, LPR_DROP_NONE, "a clock that runs five minutes ahead");
	read.captured_at = NOW + LPR_CLOCK_SKEW + 1;
	drops(&query, &read, LPR_DROP_IN_THE_FUTURE, "… and more");
	query.until = NOW + 400 * DAY;
	drops(&query, &read, LPR_DROP_IN_THE_FUTURE, "… whatever the window is");
}

static void
test_place(void)
{
	LprQuery query = question();
	LprRead read = answer();

	query.has_near = false;
	read.country = slice("MX");
	drops(&query, &read, LPR_DROP_ABROAD, "another country");
	read = answer();
	read.country = read.camera_region = slice(NULL);
	drops(&query, &read, LPR_DROP_NONE, "a point alone will do");
	read.latitude = 32.4;
	drops(&query, &read, LPR_DROP_ABROAD, "… but not one abroad");
	read = answer();
	read.has_point = false;
	drops(&query, &read, LPR_DROP_UNKNOWN_PLACE, "no point");
	read.address = slice("12 Elm Street");
	drops(&query, &read, LPR_DROP_NONE, "... but an address in a state");
	query.has_near = true;
	drops(&query, &read, LPR_DROP_OTHER_PLACE, "... which is not known to be near anything");
	query.has_near = false;
	read = answer();
	read.camera_region = slice("NV");
	drops(&query, &read, LPR_DROP_CONTRADICTORY_PLACE, "a point that is not in its state");
	read = answer();
	read.latitude = 32.4;
	drops(&query, &read, LPR_DROP_CONTRADICTORY_PLACE, "a point abroad that is said to be here");
}

static void
test_seen(void)
{
	LprSeen *seen = lpr_seen_new(42);
	bool failed = false;
	int fresh = 0, again = 0;
	char id[16];

	if (!ok(seen != NULL, "a set of identifiers"))
		return;
	for (int i = 0; i < 100000; i++)
	{
		snprintf(id, sizeof(id), "r%d", i);
		fresh += lpr_seen_add(seen, slice(id), &failed);
	}
	for (int i = 0; i < 100000; i++)
	{
		snprintf(id, sizeof(id), "r%d", i);
		again += lpr_seen_add(seen, slice(id), &failed);
	}
	ok(fresh == 100000, "a hundred thousand are new");
	ok(again == 0, "… once");
	ok(!failed, "… without want of memory");
	/* A length that is no multiple of a word, and one that differs in length only. */
	ok(lpr_seen_add(seen, slice("abcdefghi"), &failed) && lpr_seen_add(seen, slice("abcdefgh"), &failed) &&
		   lpr_seen_add(seen, (LprSlice){"abcdefgh\0", 9}, &failed) && !lpr_seen_add(seen, slice("abcdefghi"), &failed),
	   "every byte counts");
	ok(lpr_seen_has(seen, slice("abcdefghi")) && !lpr_seen_has(seen, slice("abcdefgh0")), "whether one was there");
	lpr_seen_free(seen);
	lpr_seen_free(NULL);
}

static void
test_words(void)
{
	for (int i = 0; i < LPR_DROPS; i++)
	{
		ok(lpr_drop_name(i) != NULL && lpr_drop_words(i) != NULL, "reason %d has its words", i);
		for (int j = 0; j < i; j++)
			if (strcmp(lpr_drop_name(i), lpr_drop_name(j)) == 0)
				ok(false, "%s stands twice", lpr_drop_name(i));
	}
}

int
main(void)
{
	test_question();
	test_time();
	test_place();
	test_seen();
	test_words();
	return tap_done();
}
