/*
 * month.c: the one shape of JSON that a "month" row's payload has.
 */
#include <inttypes.h>
#include <string.h>

#include "format/month.h"
#include "format/object.h"

void
lpr_month_write(const LprMonth *month, LprText *payload)
{
	char hex[2 * LPR_DIGEST_LEN + 1];

	lpr_hex(month->head.bytes, LPR_DIGEST_LEN, hex);
	lpr_text_printf(payload, "{\"size\": %" PRIu64 ", \"head\": \"%s\", \"frontier\": [", month->tree.size, hex);
	for (int i = 0; i < lpr_tree_nroots(month->tree.size); i++)
	{
		lpr_hex(month->tree.roots[i].bytes, LPR_DIGEST_LEN, hex);
		lpr_text_printf(payload, "%s\"%s\"", i > 0 ? ", " : "", hex);
	}
	lpr_text_adds(payload, "]}");
}

bool
lpr_month_read(LprSlice payload, LprMonth *month)
{
	bool size = false, head = false, frontier = false;
	LprSlice name;
	int64_t rows = 0;
	int nroots = 0;

	memset(month, 0, sizeof(*month));
	if (payload.data == NULL || !lpr_object_take(&payload, '{'))
		return false;
	do
	{
		bool *seen, good;

		if (!lpr_object_name(&payload, &name))
			return false;
		if (lpr_object_is(name, "size"))
			seen = &size, good = lpr_object_integer(&payload, &rows) && rows >= 0;
		else if (lpr_object_is(name, "head"))
			seen = &head, good = lpr_object_hex(&payload, month->head.bytes, LPR_DIGEST_LEN);
		else if (lpr_object_is(name, "frontier"))
			seen = &frontier, good = lpr_object_digests(&payload, month->tree.roots, 64, &nroots);
		else
			return false;
		if (*seen || !good)
			return false;
		*seen = true;
	} while (lpr_object_take(&payload, ','));
	month->tree.size = (uint64_t) rows;
	return lpr_object_take(&payload, '}') && lpr_object_end(&payload) && size && head && frontier &&
		   nroots == lpr_tree_nroots(month->tree.size);
}
