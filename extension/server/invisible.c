/*
 * invisible.c: texts of people hold nothing that nobody sees: neither in questions nor in what verbs take.
 */
#include "server/invisible.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "server/compat.h"
#include "base/invisible.h"

char *
lpr_invisible_of(LprSlice text)
{
	uint32_t code = lpr_find_invisible(text);

	return code != 0 ? psprintf("U+%04X", code) : NULL;
}

char *
lpr_visible_part(const char *text)
{
	LprSlice whole = {text, strlen(text)};
	char *part = palloc(whole.len + 1);

	part[lpr_drop_invisible(whole, part)] = '\0';
	return part;
}

pg_noreturn static void
refuse(const char *what, const char *character)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("\"%s\" holds an invisible character", what),
			 errdetail("It holds %s. Control and format characters can make one text look like another.", character),
			 errhint("Write it without that character, which often comes along with what is copied.")));
}

void
lpr_refuse_invisible(const char *what, LprSlice text)
{
	char *invisible = lpr_invisible_of(text);

	if (invisible != NULL)
		refuse(what, invisible);
}

/* Verbs take texts of several lines. */
static bool
is_control(uint32_t code)
{
	return (code < 0x20 && code != '\t' && code != '\n' && code != '\r') || (code >= 0x7F && code < 0xA0);
}

PG_FUNCTION_INFO_V1(lpr_refuse_invisible_text);
Datum
lpr_refuse_invisible_text(PG_FUNCTION_ARGS)
{
	text *value = PG_GETARG_TEXT_PP(1);
	LprSlice slice = {VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)};
	char *what = text_to_cstring(PG_GETARG_TEXT_PP(0));
	size_t at = 0;
	uint32_t code;

	lpr_refuse_invisible(what, slice);
	while (at < slice.len && lpr_next_character(slice, &at, &code))
		if (is_control(code))
			refuse(what, psprintf("U+%04X", code));
	PG_RETURN_VOID();
}
