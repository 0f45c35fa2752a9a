/*
 * read_columns.c: the list of the canonical read's columns as a table.
 */
#include "core/read_columns.h"

enum
{
	CACHE_ONLY = 0,
	SHOWN = LPR_IS_SHOWN,
	SAVED = LPR_IS_SAVED,
	ALL = LPR_IS_SHOWN | LPR_IS_SAVED | LPR_IS_PROVED
};

#define OF_READ(symbol, name, kind, member, where) [LPR_COLUMN_##symbol] = {#name, LPR_KIND_##kind, where},
#define OF_FRAME(symbol, name, kind)               [LPR_COLUMN_##symbol] = {#name, LPR_KIND_##kind, SHOWN},

const LprColumnOf lpr_columns[LPR_COLUMNS] = {LPR_READ_COLUMNS(OF_READ) LPR_FRAME_COLUMNS(OF_FRAME)};
