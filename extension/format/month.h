/*
 * month.h: the payload of a "month" row, the first of a monthly partition: where the log stands, so that a detached
 * partition can be verified.
 */
#ifndef LPR_MONTH_H
#define LPR_MONTH_H

#include "format/tree.h"

typedef struct LprMonth
{
	LprTree tree;   /* over all rows before */
	LprDigest head; /* digest of the row before */
} LprMonth;

/* {"size": 5, "head": "<hex>", "frontier": ["<hex>", ...]}, the roots largest first. */
extern void lpr_month_write(const LprMonth *month, LprText *payload);
/* Members in any order and blanks as JSON allows them; nothing else. */
extern bool lpr_month_read(LprSlice payload, LprMonth *month);

#endif
