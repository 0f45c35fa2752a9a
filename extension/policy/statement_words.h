/*
 * statement_words.h: what is put on record of a statement that no trigger sees. Never a password.
 */
#ifndef LPR_STATEMENT_WORDS_H
#define LPR_STATEMENT_WORDS_H

#include "postgres.h"
#include "nodes/plannodes.h"

/*
 * The particulars of a utility statement that goes on record, but for their end; NULL for all others. roles: whether
 * it changes roles or their settings.
 */
extern char *lpr_describe_statement(const PlannedStmt *planned, const char *text, bool *roles);
/* Of the script of the extension that is being made or updated. */
extern char *lpr_describe_script(const char *text);

/* Whether it is a DROP EXTENSION of lpr, which takes along what would have written that down afterwards. */
extern bool lpr_drops_us(Node *statement);

#endif
