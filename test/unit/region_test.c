/*
 * region_test.c: regions as vendors and people write them.
 */
#include "core/place.h"
#include "core/region.h"
#include "dialect/kit.h"
#include "tap.h"

static LprSlice
slice(const char *text)
{
	return (LprSlice){text, strlen(text)};
}

static void
test_regions(void)
{
	static const char *const cases[][2] = {
		{"CA", "CA"},
		{"ca", "CA"},
		{"us-ca", "CA"},
		{"US_CA", "CA"},
		{"California", "CA"},
		{"new_york", "NY"},
		{"New York", "NY"},
		{"  NEW   YORK ", "NY"},
		{"district of columbia", "DC"},
		{"Washington", "WA"},
		{"Washington, D.C.", "DC"},
		{"D.C.", "DC"},
		{"west virginia", "WV"},
		{"virginia", "VA"},
		{"PR", "PR"},
		{"puerto_rico", "PR"},
		{"Guam", "GU"},
		{"GU", "GU"},
		{"MP", "MP"},
		{"American Samoa", "AS"},
		{"VI", "VI"},
		{"U.S. Virgin Islands", "VI"},
		{"ON", "ON"},
		{"Ontario", "ON"},
		{"CA-ON", "ON"},
		{"QC", "PQ"},
		{"Qu\xC3\xA9"
		 "bec",
		 "PQ"},
		{"QU\xC3\x89"
		 "BEC",
		 "PQ"},
		{"NB", "NK"},
		{"NL", "NL"},
		{"CA-NL", "NF"},
		{"MX-NL", "NL"},
		{"Nuevo Le\xC3\xB3n", "NL"},
		{"nuevo_leon", "NL"},
		{"MX-BCN", "BA"},
		{"BCN", NULL},
		{"Baja California", "BA"},
		{"Baja California Sur", "BJ"},
		{"Guanajuato", "GT"},
		{"MX-GUA", "GT"},
		{"CA-CA", NULL},
		{"US-ON", NULL},
		{"Mexico", NULL},
		{"", NULL},
		{" ", NULL},
		{"C", NULL},
		{"ZZ", NULL},
		{"Californi", NULL},
		{"California|", NULL},
		{"+nl", NULL},
		{"alabama|alaska", NULL},
		{"CAL", "CA"},
		{"Calif.", "CA"},
		{"calif", "CA"},
		{"N. Mex.", "NM"},
		{"N.M.", "NM"},
		{"N.Y.", "NY"},
		{"W. Va.", "WV"},
		{"Mass", "MA"},
		{"Mich.", "MI"},
		{"06", "CA"},
		{"US-06", "CA"},
		{"6", NULL},
		{"03", NULL},
		{"CA, USA", "CA"},
		{"CA USA", "CA"},
		{"USA-CA", "CA"},
		{"U.S. CA", "CA"},
		{"California, United States", "CA"},
		{"California (CA)", "CA"},
		{"CA - California", "CA"},
		{"CA - Nevada", NULL},
		{"State of California", "CA"},
		{"Commonwealth of Massachusetts", "MA"},
		{"\xEF\xBC\xA3\xEF\xBC\xA1", "CA"}, /* wide letters */
		{"MX\xE2\x80\x93"
		 "BC",
		 "BA"},
		{"New Mexico", "NM"},
		{"New Mexico, USA", "NM"},
		{"Ont., Canada", "ON"},
		{"ON, CAN", "ON"},
		{"Que.", "PQ"},
		{"P.E.I.", "PE"},
		{"B.C.", "BC"},
		{"MX-BC", "BA"},
		{"MX-BCS", "BJ"},
		{"B.C., Mexico", "BA"},
		{"Baja California, Mexico", "BA"},
		{"Son., Mex.", "SO"},
		{"Tamps.", "TA"},
		{"MX-MIC", "MC"},
		{"N.L.", "NL"},
		{"CDMX", "DF"},
		{"Estado de M\xC3\xA9xico", "MX"},
		{"Mexico, Mexico", NULL},
		{"US", "US"},
		{"us-", "US"},
		{"U.S. Government", "US"},
		{"us_government", "US"},
		{"Federal", "US"},
		{"military", "US"},
		{"U.S. Army", "US"},
		{"Diplomatic", "DS"},
		{"U.S. Department of State", "DS"},
		{"tribal", "XT"},
		{"Native American", "XT"},
		{"Unknown", NULL},
		{"C\x07", NULL},
		{"Sonora", "SO"},
		{"British Columbia", "BC"},
		{"\xC3", NULL},
		{"a name that is far too long to be one of a state anywhere at all", NULL},
	};
	char what[160];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		char code[3] = "--";
		bool known = lpr_region_code(slice(cases[i][0]), code);

		snprintf(what, sizeof(what), "region \"%s\" is %s", cases[i][0], cases[i][1] ? cases[i][1] : "unknown");
		if (!ok(known == (cases[i][1] != NULL) && strcmp(code, known ? cases[i][1] : "--") == 0, "%s", what))
			printf("# got: %s\n", code);
	}
	ok(!lpr_region_code((LprSlice){NULL, 0}, what), "no region");
	for (int i = 0; i < lpr_place_code_count; i++)
	{
		char code[3] = "--";

		if (!lpr_region_code((LprSlice){lpr_place_codes[i], 2}, code) || strcmp(code, lpr_place_codes[i]) != 0)
			ok(false, "%s", lpr_place_codes[i]);
	}
	ok(lpr_place_code_count == 55, "fifty states, DC, PR, GU, VI, MP have a boundary");
}

static void
test_kinds(void)
{
	static const struct
	{
		const char *text;
		LprRegionKind kind;
	} cases[] = {
		{"", LPR_REGION_NONE},           {" - ", LPR_REGION_NONE},
		{"Unknown", LPR_REGION_NONE},    {"N/A", LPR_REGION_NONE},
		{"US", LPR_REGION_NONE},         {"U.S.A.", LPR_REGION_NONE},
		{"null", LPR_REGION_NONE},       {"San Diego County", LPR_REGION_UNKNOWN},
		{"C|A", LPR_REGION_UNKNOWN},     {"Mexico", LPR_REGION_UNKNOWN},
		{"CA", LPR_REGION_US},           {"American Samoa", LPR_REGION_US},
		{"BC", LPR_REGION_ABROAD},       {"Sonora", LPR_REGION_ABROAD},
		{"federal", LPR_REGION_FEDERAL}, {"tribal", LPR_REGION_FEDERAL},
	};
	char code[3];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ok(lpr_region_of(slice(cases[i].text), code) == cases[i].kind, "kind of \"%s\"", cases[i].text);
	ok(!lpr_region_told(slice("US"), code) && !lpr_region_told(slice("NA"), code), "a vendor that knows the country");
	ok(lpr_region_told(slice("us_government"), code) && strcmp(code, "US") == 0, "... or the government's plates");
}

/* Two letters are looked up once; what is kept of them is their code, which may be another. */
static void
test_plates(void)
{
	static const char *const told[][2] = {{"QC", "PQ"}, {"CA", "CA"}, {"US", ""}, {"ZZ", ""}, {"qc", "PQ"}};

	for (int round = 0; round < 2; round++)
		for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++)
		{
			LprRead read = {.plate_region = "--"};

			lpr_take_region(&read, slice(told[i][0]));
			is_text(read.plate_region, told[i][1], told[i][0]);
		}
}

int
main(void)
{
	test_regions();
	test_kinds();
	test_plates();
	return tap_done();
}
