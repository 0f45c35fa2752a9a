/*
 * facts.h: what the gate is told of a question: one struct from the session to the gate, and one table of how the gate
 * calls each of them.
 */
#ifndef LPR_FACTS_H
#define LPR_FACTS_H

#include "postgres.h"
#include "access/tupdesc.h"
#include "datatype/timestamp.h"

#include "core/query.h"

typedef struct LprDegrees
{
	bool given;
	double value;
} LprDegrees;

/* Taken from the session and the question by our code, and from nothing that a person can set. */
typedef struct LprFacts
{
	Oid login;
	bool same_user; /* the session's user is the login that connected */
	bool remote;
	NameData address; /* of the client, as numbers; "" = on this machine, by a socket */
	bool encrypted;
	bool client;     /* somebody is connected who is no process of this server */
	NameData agreed; /* versions of the rules of use; "" = none */
	TimestampTz agreed_at;
	int away_s;      /* the longest time without a statement since then */
	bool passing;    /* the agreement ends with the transaction */
	NameData source; /* "" = none */
	uint8 mode;      /* LprMode, 0 = none */
	LprEvent event;
	TimestampTz from;
	TimestampTz until;
	double radius_m;    /* 0 = no point was given */
	int address_length; /* characters */
	/* What counts, and no column of the gate's: plates asked, at least one; of an answer, those that it has shown. */
	int plates;
} LprFacts;

/*
 * What a question starts from, as its record says it; in the encoding of the database, as long as the memory that it
 * was made in. NULL or not given = it does not.
 */
typedef struct LprAnchor
{
	const char *plates; /* in normal form, with a blank between two */
	LprDegrees latitude;
	LprDegrees longitude;
	const char *place; /* an address */
	const char *make;
	const char *model;
} LprAnchor;

/* What stands behind an offset, and so which type it has in SQL and what of it is NULL there. */
typedef enum LprFactKind
{
	LPR_FACT_LOGIN,    /* oid */
	LPR_FACT_YES,      /* boolean */
	LPR_FACT_COUNT,    /* integer */
	LPR_FACT_VERSIONS, /* text, NULL for "" */
	LPR_FACT_NAME,     /* text */
	LPR_FACT_MODE,     /* text, NULL for 0 */
	LPR_FACT_EVENT,    /* bigint, NULL when not given */
	LPR_FACT_MOMENT,   /* timestamptz */
	LPR_FACT_METRES,   /* double precision, NULL for 0 */
	/* Of the anchor. */
	LPR_FACT_PLATES, /* text[], handed over as one text */
	LPR_FACT_TEXT,
	LPR_FACT_DEGREES
} LprFactKind;

typedef struct LprFact
{
	const char *name; /* of the column of lpr_data.question */
	LprFactKind kind;
	size_t offset; /* into LprFacts, or into LprAnchor */
} LprFact;

/* In the order of the columns of lpr_data.question: first what the session tells, then what the question does. */
#define LPR_FACTS         23
#define LPR_SESSION_FACTS 10
extern const LprFact lpr_facts[LPR_FACTS];

/* Errors unless the type lpr_data.question has just these columns. */
extern void lpr_facts_check(TupleDesc desc);
/* The type of its value, as lpr_fact_value gives it: that of the column, but for LPR_FACT_PLATES. */
extern Oid lpr_fact_value_type(const LprFact *fact);
extern Datum lpr_fact_value(const LprFacts *facts, const LprAnchor *anchor, const LprFact *fact, bool *isnull);

/*
 * Fills in what the session tells. Allocates nothing and throws nothing: it may be called while a transaction aborts.
 */
extern void lpr_facts_of_session(LprFacts *facts);

#endif
