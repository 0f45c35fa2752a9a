/*
 * lexer.h: the server's JSON lexer, set up alike in PostgreSQL 15 to 18. Include after postgres.h (or postgres_fe.h, in
 * tests).
 */
#ifndef LPR_LEXER_H
#define LPR_LEXER_H

#include "common/jsonapi.h"
#include "mb/pg_wchar.h"

/*
 * Sets a lexer up in memory of the caller, without escapes: it allocates nothing, now or later. From 17 on the server's
 * constructor does that; before, it pallocs, and what it sets are these fields.
 */
static inline void
lpr_json_lexer_init(JsonLexContext *lex, char *input, int len)
{
#if PG_VERSION_NUM >= 170000
	makeJsonLexContextCstringLen(lex, input, len, PG_UTF8, false);
#else
	memset(lex, 0, sizeof(*lex));
	lex->input = lex->token_terminator = lex->line_start = input;
	lex->line_number = 1;
	lex->input_length = len;
	lex->input_encoding = PG_UTF8;
#endif
}

#endif
