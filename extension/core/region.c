/*
 * region.c: the table of regions, and how a text is looked up in it. See region.h.
 */
#include "core/region.h"

#include <string.h>

#include "base/unicode.h"

typedef struct Region
{
	const char code[3];
	char country;      /* U, C, M; G: of the federal government and its like */
	const char *names; /* between bars; after a plus: only with the country in front, as in MX-BCN */
} Region;

/*
 * The United States have their postal codes (USPS Publication 28, appendix B), numbers (ANSI INCITS 38, once FIPS 5-2)
 * and abbreviations (GPO Style Manual 2016, 9.13 and those before it). Canada and Mexico have the codes of the NCIC
 * tables, which do not collide with each other, except where a postal code of the United States has the letters already
 * (Guanajuato is GT, not GU). Codes of Canada Post, ISO 3166-2:CA and 3166-2:MX, and the usual abbreviations of both
 * are understood; alone, the letters NL are Nuevo Leon and not Newfoundland (CA-NL is), BC British Columbia and not
 * Baja California (MX-BC is).
 *
 * Plates of nobody's state: US for those that read "U.S. Government", the forces' among them, and DS for those of the
 * Department of State, as NCIC has them (Wisconsin DOJ, TIME manual, "License plate state"). Tribes have no code of
 * their own in a public table: XT is ours, of the letters that ISO 3166 leaves to users.
 */
/* clang-format off */
static const Region regions[] = {
	{"AL", 'U', "|alabama|01|ala|"},
	{"AK", 'U', "|alaska|02|"},
	{"AZ", 'U', "|arizona|04|ariz|"},
	{"AR", 'U', "|arkansas|05|ark|"},
	{"CA", 'U', "|california|06|calif|cal|"},
	{"CO", 'U', "|colorado|08|colo|"},
	{"CT", 'U', "|connecticut|09|conn|"},
	{"DE", 'U', "|delaware|10|del|"},
	{"DC", 'U', "|district of columbia|11|washington dc|wash dc|dist of columbia|"},
	{"FL", 'U', "|florida|12|fla|"},
	{"GA", 'U', "|georgia|13|"},
	{"HI", 'U', "|hawaii|15|"},
	{"ID", 'U', "|idaho|16|ida|"},
	{"IL", 'U', "|illinois|17|ill|"},
	{"IN", 'U', "|indiana|18|ind|"},
	{"IA", 'U', "|iowa|19|"},
	{"KS", 'U', "|kansas|20|kans|kan|"},
	{"KY", 'U', "|kentucky|21|ken|"},
	{"LA", 'U', "|louisiana|22|"},
	{"ME", 'U', "|maine|23|"},
	{"MD", 'U', "|maryland|24|"},
	{"MA", 'U', "|massachusetts|25|mass|"},
	{"MI", 'U', "|michigan|26|mich|"},
	{"MN", 'U', "|minnesota|27|minn|"},
	{"MS", 'U', "|mississippi|28|miss|"},
	{"MO", 'U', "|missouri|29|"},
	{"MT", 'U', "|montana|30|mont|"},
	{"NE", 'U', "|nebraska|31|nebr|neb|"},
	{"NV", 'U', "|nevada|32|nev|"},
	{"NH", 'U', "|new hampshire|33|"},
	{"NJ", 'U', "|new jersey|34|"},
	{"NM", 'U', "|new mexico|35|n mex|"},
	{"NY", 'U', "|new york|36|"},
	{"NC", 'U', "|north carolina|37|n car|no carolina|"},
	{"ND", 'U', "|north dakota|38|n dak|"},
	{"OH", 'U', "|ohio|39|"},
	{"OK", 'U', "|oklahoma|40|okla|"},
	{"OR", 'U', "|oregon|41|oreg|ore|"},
	{"PA", 'U', "|pennsylvania|42|penn|penna|"},
	{"RI", 'U', "|rhode island|44|"},
	{"SC", 'U', "|south carolina|45|s car|so carolina|"},
	{"SD", 'U', "|south dakota|46|s dak|"},
	{"TN", 'U', "|tennessee|47|tenn|"},
	{"TX", 'U', "|texas|48|tex|"},
	{"UT", 'U', "|utah|49|"},
	{"VT", 'U', "|vermont|50|verm|"},
	{"VA", 'U', "|virginia|51|virg|"},
	{"WA", 'U', "|washington|53|wash|washington state|"},
	{"WV", 'U', "|west virginia|54|w va|"},
	{"WI", 'U', "|wisconsin|55|wis|wisc|"},
	{"WY", 'U', "|wyoming|56|wyo|"},
	{"PR", 'U', "|puerto rico|72|pri|"},
	{"VI", 'U', "|78|virgin islands|us virgin islands|united states virgin islands|usvi|vir|"},
	{"GU", 'U', "|guam|66|gum|"},
	{"MP", 'U', "|northern mariana islands|69|northern marianas|cnmi|mnp|n mariana islands|"},
	{"AS", 'U', "|american samoa|60|asm|am samoa|"},
	{"AB", 'C', "|alberta|alta|"},
	{"BC", 'C', "|british columbia|brit col|"},
	{"MB", 'C', "|manitoba|man|"},
	{"NK", 'C', "|new brunswick|nb|"},
	{"NF", 'C', "|newfoundland and labrador|newfoundland|nfld|nfl|+nl|"},
	{"NT", 'C', "|northwest territories|nwt|"},
	{"NS", 'C', "|nova scotia|"},
	{"NU", 'C', "|nunavut|nvt|"},
	{"ON", 'C', "|ontario|ont|"},
	{"PE", 'C', "|prince edward island|pei|"},
	{"PQ", 'C', "|quebec|qc|que|"},
	{"SN", 'C', "|saskatchewan|sk|sask|"},
	{"YT", 'C', "|yukon|yukon territory|yk|"},
	{"AG", 'M', "|aguascalientes|ags|+agu|"},
	{"BA", 'M', "|baja california|baja california norte|baja calif|+bcn|+bc|+bcnorte|"},
	{"BJ", 'M', "|baja california sur|bcs|+bs|"},
	{"CE", 'M', "|campeche|camp|+cam|"},
	{"CI", 'M', "|chiapas|chis|+chp|"},
	{"CH", 'M', "|chihuahua|chih|+chh|"},
	{"CU", 'M', "|coahuila|coahuila de zaragoza|coah|+coa|"},
	{"CL", 'M', "|colima|+col|"},
	{"DF", 'M', "|distrito federal|ciudad de mexico|mexico city|cdmx|+cmx|"},
	{"DO", 'M', "|durango|dgo|+dur|+dg|"},
	{"GT", 'M', "|guanajuato|gto|+gua|+gu|"},
	{"GR", 'M', "|guerrero|gro|"},
	{"HL", 'M', "|hidalgo|hgo|+hid|"},
	{"JL", 'M', "|jalisco|jal|"},
	{"MX", 'M', "|estado de mexico|state of mexico|edomex|edo mex|edo de mexico|+mex|"},
	{"MC", 'M', "|michoacan|michoacan de ocampo|+mic|+mich|"},
	{"MR", 'M', "|morelos|+mor|"},
	{"NA", 'M', "|nayarit|+nay|"},
	{"NL", 'M', "|nuevo leon|+nle|"},
	{"OA", 'M', "|oaxaca|oax|"},
	{"PB", 'M', "|puebla|+pue|"},
	{"QU", 'M', "|queretaro|queretaro de arteaga|qro|+que|"},
	{"QR", 'M', "|quintana roo|q roo|qroo|+roo|"},
	{"SL", 'M', "|san luis potosi|slp|"},
	{"SI", 'M', "|sinaloa|+sin|"},
	{"SO", 'M', "|sonora|+son|"},
	{"TB", 'M', "|tabasco|+tab|"},
	{"TA", 'M', "|tamaulipas|tamps|+tam|"},
	{"TL", 'M', "|tlaxcala|tlax|+tla|"},
	{"VC", 'M', "|veracruz|veracruz de ignacio de la llave|+ver|"},
	{"YU", 'M', "|yucatan|yuc|"},
	{"ZA", 'M', "|zacatecas|zac|"},
	{"US", 'G',
	 "|us government|us govt|us gov|united states government|federal|"
	 "federal government|government|govt|gov|usg|gsa|military|us military|us army|us navy|"
	 "us air force|us marine corps|us coast guard|department of defense|dept of defense|dod|"},
	{"DS", 'G',
	 "|diplomatic|diplomat|diplomatic corps|consular|consul|us department of state|"
	 "us dept of state|department of state|dept of state|us state department|state department|"
	 "us diplomatic|"},
	{"XT", 'G',
	 "|tribal|tribe|tribal nation|native american|native american tribe|indian|indian nation|"
	 "indian tribe|american indian|us tribal|"},
};
/* clang-format on */

#define REGIONS (sizeof(regions) / sizeof(regions[0]))

/* What stands where nothing is known. */
static const char placeholders[] =
	"|unknown|unk|unkn|undefined|unidentified|undetermined|none|no region|no state|null|nil|nan|na|n a|not available|"
	"not applicable|not given|not set|not specified|unspecified|not known|not provided|other|default|empty|"
	"blank|tbd|x|xx|xxx|zz|zzz|0|00|us|usa|united states|united states of america|the united states|america|"
	"state|region|";

/* A name that is being made. */
typedef struct Name
{
	char *out;
	int len; /* -1: it is none */
} Name;

static bool
take_name_char(void *to, uint32_t code)
{
	Name *name = to;
	char bytes[4];
	size_t len;

	if (code < 0x20 && !(code >= 0x09 && code <= 0x0D))
		name->len = -1;
	else if (code == '|' || code == '+' || code == 0x7F || (code >= 0x80 && code < 0xA0))
		name->len = -1;
	else if (code <= ' ' || code == 0xB7 || (code < 0x80 && strchr("_-.,()[]/:;'\"", (int) code) != NULL))
	{
		if (name->len > 0 && name->out[name->len - 1] != ' ')
			name->out[name->len++] = ' ';
	}
	else
	{
		len = lpr_put_char(bytes, code >= 'A' && code <= 'Z' ? code - 'A' + 'a' : code);
		if (name->len + (int) len > LPR_NAME_MAX - 1) /* a blank may follow */
			name->len = -1;
		else
		{
			memcpy(name->out + name->len, bytes, len);
			name->len += (int) len;
		}
	}
	return name->len >= 0;
}

/* Initials that stand side by side become one word; returns the new length. */
static int
join_initials(char *out, const char *name, int len)
{
	int kept = 0;

	for (int i = 0; i < len; i++)
	{
		bool alone = name[i] == ' ' && i >= 1 && (i == 1 || name[i - 2] == ' ') && i + 1 < len &&
					 (i + 2 == len || name[i + 2] == ' ');

		if (!alone)
			out[kept++] = name[i];
	}
	return kept;
}

int
lpr_name_fold(LprSlice text, char out[LPR_NAME_MAX + 1])
{
	Name name = {out, 0};
	char words[LPR_NAME_MAX + 1];

	if (text.data == NULL)
		return 0;
	if (!lpr_fold(text, true, take_name_char, &name) || name.len < 0) /* as one; gcc's sanitizers want it said */
		return -1;
	if (name.len > 0 && out[name.len - 1] == ' ')
		name.len--;
	memcpy(words, out, (size_t) name.len);
	name.len = join_initials(out, words, name.len);
	out[name.len] = '\0';
	return name.len;
}

bool
lpr_named(const char *names, const char *name, size_t len, bool with_country)
{
	for (const char *at = names + 1; *at != '\0'; at = strchr(at, '|') + 1)
	{
		const char *begin = *at == '+' ? at + 1 : at;

		if ((*at != '+' || with_country) && strncmp(begin, name, len) == 0 && begin[len] == '|')
			return true;
	}
	return false;
}

bool
lpr_name_says_nothing(const char *name, size_t len)
{
	return lpr_named(placeholders, name, len, false);
}

/*
 * A row by its code or one of its names, of one country or ('\0') of any. The country's own two letters win over
 * another's name for itself: US first, in the order of the table.
 */
static const Region *
find(const char *name, size_t len, char country)
{
	if (len < 2)
		return NULL;
	for (int by_name = len == 2 ? 0 : 1; by_name < 2; by_name++)
		for (size_t i = 0; i < REGIONS; i++)
		{
			if (country != '\0' && country != regions[i].country)
				continue;
			if (by_name ? lpr_named(regions[i].names, name, len, country != '\0')
						: name[0] == lpr_lower(regions[i].code[0]) && name[1] == lpr_lower(regions[i].code[1]))
				return &regions[i];
		}
	return NULL;
}

static const struct
{
	char country;
	const char *name; /* and a blank in front or behind it */
} countries[] = {
	{'U', "us"},    {'U', "usa"},           {'U', "u s"},
	{'U', "u s a"}, {'U', "united states"}, {'U', "united states of america"},
	{'C', "ca"},    {'C', "can"},           {'C', "canada"},
	{'M', "mx"},    {'M', "mex"},           {'M', "mexico"},
};
static const char *const titles[] = {"state of ", "commonwealth of ", "territory of ", "province of ", "estado de "};

static bool
begins(const char *name, size_t len, const char *with, size_t with_len)
{
	return len > with_len && memcmp(name, with, with_len) == 0;
}

/* The name with a country in front, or behind. */
static const Region *
find_with_country(const char *name, size_t len)
{
	const Region *found = NULL;

	for (size_t i = 0; i < sizeof(countries) / sizeof(countries[0]) && found == NULL; i++)
	{
		const char *country = countries[i].name;
		size_t n = strlen(country);

		if (len < n + 2)
			continue;
		if (memcmp(name, country, n) == 0 && name[n] == ' ')
			found = find(name + n + 1, len - n - 1, countries[i].country);
		/* "CA" behind a name is California more often than Canada. */
		if (found == NULL && strcmp(country, "ca") != 0 && name[len - n - 1] == ' ' &&
			memcmp(name + len - n, country, n) == 0)
			found = find(name, len - n - 1, countries[i].country);
	}
	return found;
}

/* "CA - California" and "California (CA)": both say the same. */
static const Region *
find_twice(const char *name, size_t len)
{
	const Region *found;

	if (len < 6)
		return NULL;
	if (name[2] == ' ' && (found = find(name, 2, '\0')) != NULL && find(name + 3, len - 3, found->country) == found)
		return found;
	if (name[len - 3] == ' ' && (found = find(name + len - 2, 2, '\0')) != NULL &&
		find(name, len - 3, found->country) == found)
		return found;
	return NULL;
}

static const Region *
find_region(const char *name, size_t len)
{
	const Region *found = find(name, len, '\0');

	if (found == NULL)
		found = find_with_country(name, len);
	if (found == NULL)
		found = find_twice(name, len);
	for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]) && found == NULL; i++)
		if (begins(name, len, titles[i], strlen(titles[i])))
			found = find(name + strlen(titles[i]), len - strlen(titles[i]), '\0');
	return found;
}

static LprRegionKind
take(const Region *region, char code[3])
{
	memcpy(code, region->code, 3);
	return region->country == 'U' ? LPR_REGION_US : region->country == 'G' ? LPR_REGION_FEDERAL : LPR_REGION_ABROAD;
}

static LprRegionKind
look_up(LprSlice text, char code[3])
{
	char name[LPR_NAME_MAX + 1];
	int len = lpr_name_fold(text, name);
	const Region *found;

	if (len <= 0)
		return len == 0 ? LPR_REGION_NONE : LPR_REGION_UNKNOWN;
	if (lpr_name_says_nothing(name, (size_t) len))
		return LPR_REGION_NONE;
	found = find_region(name, (size_t) len);
	return found != NULL ? take(found, code) : LPR_REGION_UNKNOWN;
}

LprRegionKind
lpr_region_of(LprSlice text, char code[3])
{
	/* Nearly all vendors write two letters, of each plate and each camera: these are looked up once. */
	static struct
	{
		bool known;
		LprRegionKind kind;
		char code[3];
	} pairs[26][26], *pair;
	unsigned first, second;

	if (text.len != 2 || (first = (unsigned) lpr_capital(text.data[0]) - 'A') > 25 ||
		(second = (unsigned) lpr_capital(text.data[1]) - 'A') > 25)
		return look_up(text, code);
	pair = &pairs[first][second];
	if (!pair->known)
		pair->kind = look_up(text, pair->code);
	pair->known = true;
	if (pair->kind >= LPR_REGION_US)
		memcpy(code, pair->code, 3);
	return pair->kind;
}

bool
lpr_region_code(LprSlice text, char code[3])
{
	char name[LPR_NAME_MAX + 1];
	int len = lpr_name_fold(text, name);
	const Region *found = len > 0 ? find_region(name, (size_t) len) : NULL;

	if (found != NULL)
		take(found, code);
	return found != NULL;
}

bool
lpr_region_told(LprSlice text, char code[3])
{
	return lpr_region_of(text, code) >= LPR_REGION_US;
}
