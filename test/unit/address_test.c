/*
 * address_test.c: what is an address to start a question from, and what is in all too many (Q2, Q8).
 */
#include "core/address.h"
#include "tap.h"

static void
is_address(const char *text, int characters)
{
	char what[300];

	snprintf(what, sizeof(what), "%s \"%s\"", characters > 0 ? "an address:" : "none:", text);
	if (!ok(lpr_address_characters(text) == characters, "%s", what))
		printf("# got %d, expected %d\n", lpr_address_characters(text), characters);
}

int
main(void)
{
	static const char *const none[] = {"",
									   "        ",
									   "\t\n \t",
									   "--------",
									   ", , , ,",
									   "%%%%%%%%",
									   "........",
									   "\xc2\xa0",
									   "street,",
									   " Street,",
									   "STREET",
									   "treet, ",
									   "Street Road Avenue",
									   "Main Street",
									   "main st., ",
									   "E Main St NW",
									   "alifornia",
									   "California",
									   "Californi",
									   "ca 92173",
									   "California, USA",
									   "San Diego",
									   "San Diego, CA",
									   "Los Angeles, California",
									   "New York, NY 10001",
									   "New York City",
									   "Salt Lake City",
									   "Oklahoma City, OK",
									   "Saint Paul",
									   "treet, lo",
									   "reet, sac",
									   "ve, Sacramento, Califor",
									   "Sacramento, CA",
									   "sacramento, CA 9",
									   "ngeles, ca 900",
									   "12345678",
									   "92173-1234",
									   "1234 5678",
									   "1200 Street",
									   "street 1200",
									   "1200 North Avenue, CA",
									   "Main Main Main",
									   "aa aa aa",
									   "a b c d e f",
									   "of the and at by",
									   "I-5",
									   "Hwy 101 S",
									   "Interstate 5 North",
									   "5th Avenue",
									   "42nd St.",
									   "\xf0\x9f\x9a\x97 street"};

	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		is_address(none[i], 0);
	is_address("1 Main Street", 13);
	is_address("500 Main St", 11);
	is_address("500   Main,  St.", 11);
	is_address("  500 Main St, San Diego, CA 92101 ", 30);
	is_address("Exit 20, I-5", 11);
	is_address("500 main", 8);
	is_address("12B Oak", 7);
	is_address("1500 K Street NW", 16);
	is_address("350 5th Ave", 11);
	is_address("727 E San Ysidro Blvd", 21);
	is_address("Camino de la Plaza", 18);
	is_address("camino de la plaza", 18);
	is_address("amino de la plaz", 16);
	is_address("Otay Mesa Road", 14);
	is_address("Main & Elm", 8);
	is_address("Main St, Springfield", 19);
	is_address("5th and Broadway", 16);
	is_address("Calle Ni\xc3\xb1o", 10);
	is_address("100 \xe6\x9d\xb1\xe4\xba\xac", 6);
	return tap_done();
}
