/*
 * redact_test.c: no secret, and no telling part of one, is left in what others say.
 */
#include "base/redact.h"
#include "tap.h"

#define TOKEN "abcdefghijklmnopqrstuvwxyz" /* a part of 16 is known wherever it stands */
#define SHORT "s3cret!"

static void
becomes(const char *said, const char *expected, const char *what)
{
	const char *const secrets[] = {NULL, "", TOKEN, SHORT, "a b/c+d=e"};
	char text[400];

	snprintf(text, sizeof(text), "%s", said);
	lpr_redact(text, secrets, sizeof(secrets) / sizeof(secrets[0]));
	is_text(text, expected, what);
}

int
main(void)
{
	becomes("", "", "nothing");
	becomes("page 1: not found", "page 1: not found", "nothing secret");
	becomes("token " TOKEN " is unknown", "token ************************** is unknown", "a whole secret");
	becomes(TOKEN TOKEN, "****************************************************", "twice, without a gap");
	becomes("x" TOKEN "x" SHORT "x", "x**************************x*******x", "two secrets");
	becomes("<" SHORT ">", "<*******>", "a short one");
	becomes("<s3cret>", "<s3cret>", "less than all of a short one");
	becomes("?key=a%20b%2Fc%2Bd%3De&n=1", "?key=*****************&n=1", "as it stands in a URL");
	becomes("a b/c+d=e", "*********", "the same as it is");

	becomes("(efghijklmnopqrst)", "(****************)", "sixteen from within");
	becomes("(efghijklmnopqrs)", "(efghijklmnopqrs)", "fifteen from within are not told apart from words");
	becomes("it says: wxyz, which is over", "it says: ****, which is over", "the end of one, where an excerpt begins");
	becomes("it says: xyz", "it says: xyz", "three are too few");
	becomes("it says wxyz", "it says wxyz", "not where an excerpt begins");
	becomes("it says: vwxy", "it says: vwxy", "not the end of one");
	becomes("it says abcd...", "it says ****...", "the beginning of one, where an excerpt ends");
	becomes("it says abc...", "it says abc...", "three are too few");
	becomes("it says bcde...", "it says bcde...", "not the beginning of one");
	becomes("it says abcd..", "it says abcd..", "not where an excerpt ends");
	becomes("abcdefghijklmnop...", "****************...", "a long part before the edge");

	lpr_redact(NULL, (const char *const[]){TOKEN}, 1);
	ok(true, "no text");
	{
		char text[] = TOKEN;

		lpr_redact(text, NULL, 0);
		is_text(text, TOKEN, "no secrets");
	}
	return tap_done();
}
