/*
 * read_columns_test.c: the list of the canonical read's columns, and the record of a read. `make lint-columns` holds
 * the list against SQL.
 */
#include "core/read_columns.h"
#include "format/read_proof.h"
#include "tap.h"

static int
column_named(const char *name)
{
	for (int i = 0; i < LPR_COLUMNS; i++)
		if (strcmp(lpr_columns[i].name, name) == 0)
			return i;
	return -1;
}

static void
test_each(void)
{
	for (int i = 0; i < LPR_COLUMNS; i++)
		ok(lpr_columns[i].name != NULL && column_named(lpr_columns[i].name) == i, "column %d has a name of its own", i);
}

/* What the digest of an answer covers is what the list says of it: no more, no less. */
static void
test_proved(void)
{
	bool covered[LPR_COLUMNS] = {false};

	for (int i = 0; i < LPR_READ_TEXTS + LPR_READ_NUMBERS; i++)
	{
		const char *name = i < LPR_READ_TEXTS ? lpr_read_text_name(i) : lpr_read_number_name(i - LPR_READ_TEXTS);
		int column = column_named(name);

		ok(column >= 0, "%s of the record is a column", name);
		if (column >= 0)
			covered[column] = true;
	}
	for (int i = 0; i < LPR_COLUMNS; i++)
		ok(covered[i] == ((lpr_columns[i].where & LPR_IS_PROVED) != 0), "%s: whether it is proved",
		   lpr_columns[i].name);
}

int
main(void)
{
	test_each();
	test_proved();
	return tap_done();
}
