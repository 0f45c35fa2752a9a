/*
 * gate.h: questions before the gate: each is put to the audit writer, which decides by lpr_data.gate() and writes it
 * down (A1 to A7, Q2 to Q11, U1, U2).
 */
#ifndef LPR_GATE_H
#define LPR_GATE_H

#include "audit/receipt.h"
#include "core/query.h"
#include "server/compat.h"

/* What the statement that asks does with the answer: nothing of it is sent, all of it is on record (U1). */
typedef struct LprGateSeen
{
	const char **local; /* conditions that are checked here, as SQL; clipped */
	int nlocal;
	int nlocal_all;       /* so many there are */
	const char **columns; /* that are wanted; "*" = all but images */
	int ncolumns;
	bool aggregated;             /* rows are counted, grouped, numbered or made distinct */
	const char *statement;       /* its text, or NULL */
	const char *inner_statement; /* that of a function which asks, or NULL */
	const char **parameters;     /* what these, and those between them, were given, as SQL */
	int nparameters;
	size_t statement_bytes; /* of the texts and of the parameters */
	int64 statement_in;     /* number of the record that they stand in; 0 = in this one */
} LprGateSeen;

typedef struct LprGateQuestion
{
	const char *source;
	const LprQuery *query;
	LprEvent event;
	const char *url;
	const LprGateSeen *seen;
	LprReceipt receipt; /* the verdict */
} LprGateQuestion;

/*
 * Puts questions before the gate, side by side, and waits until all are decided and on disk. ERROR when they cannot be.
 */
extern void lpr_gate_ask(LprGateQuestion **questions, int n);

/* Raises a refusal, which is on record. */
pg_noreturn extern void lpr_gate_raise(const LprReceipt *receipt);

/* Message, detail and hint of a refusal. */
extern void lpr_gate_texts(const LprReceipt *receipt, const char **message, const char **detail, const char **hint);

/* The opaque reference that goes to the vendor: which log, and the first bytes of the record's digest (U7). */
#define LPR_REFERENCE_BYTES 16
extern void lpr_gate_reference(const LprReceipt *receipt, char out[LPR_REFERENCE_ROOM]);

/* Writes down that a question was refused before the gate: an error of class LP (U4). */
extern void lpr_gate_record_error(const char *source, LprEvent event, const ErrorData *error);

#endif
