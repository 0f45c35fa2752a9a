/*
 * statement_function.h: what a function can do with what it is given, besides returning something (E2).
 */
#ifndef LPR_STATEMENT_FUNCTION_H
#define LPR_STATEMENT_FUNCTION_H

#include "postgres.h"

typedef enum LprFunctionKind
{
	LPR_FUNCTION_PLAIN,  /* nothing; or it is in a language whose statements are looked at one by one */
	LPR_FUNCTION_VERB,   /* of schema lpr: writes */
	LPR_FUNCTION_STORES, /* leaves it in a setting, a sequence, another session, another server */
	LPR_FUNCTION_PASSES, /* of the server: made for telling it to other sessions */
} LprFunctionKind;

extern LprFunctionKind lpr_function_kind(Oid function);

#endif
