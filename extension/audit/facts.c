/*
 * facts.c: the facts of a question, as the session tells them and as the gate takes them.
 */
#include "audit/facts.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "audit/audit_row.h"
#include "audit/consent.h"
#include "server/session.h"

#define AT(field)        offsetof(LprFacts, field)
#define OF_ANCHOR(field) offsetof(LprAnchor, field)

const LprFact lpr_facts[LPR_FACTS] = {
	{"login", LPR_FACT_LOGIN, AT(login)},
	{"same_user", LPR_FACT_YES, AT(same_user)},
	{"remote", LPR_FACT_YES, AT(remote)},
	{"address", LPR_FACT_NAME, AT(address)},
	{"encrypted", LPR_FACT_YES, AT(encrypted)},
	{"client", LPR_FACT_YES, AT(client)},
	{"agreed", LPR_FACT_VERSIONS, AT(agreed)},
	{"agreed_at", LPR_FACT_MOMENT, AT(agreed_at)},
	{"away_s", LPR_FACT_COUNT, AT(away_s)},
	{"passing", LPR_FACT_YES, AT(passing)},
	{"source", LPR_FACT_NAME, AT(source)},
	{"mode", LPR_FACT_MODE, AT(mode)},
	{"event_id", LPR_FACT_EVENT, AT(event)},
	{"since", LPR_FACT_MOMENT, AT(from)},
	{"until", LPR_FACT_MOMENT, AT(until)},
	{"radius_m", LPR_FACT_METRES, AT(radius_m)},
	{"address_length", LPR_FACT_COUNT, AT(address_length)},
	{"plates", LPR_FACT_PLATES, OF_ANCHOR(plates)},
	{"latitude", LPR_FACT_DEGREES, OF_ANCHOR(latitude)},
	{"longitude", LPR_FACT_DEGREES, OF_ANCHOR(longitude)},
	{"place", LPR_FACT_TEXT, OF_ANCHOR(place)},
	{"make", LPR_FACT_TEXT, OF_ANCHOR(make)},
	{"model", LPR_FACT_TEXT, OF_ANCHOR(model)},
};

static Oid
fact_type(const LprFact *fact)
{
	static const Oid types[] = {
		[LPR_FACT_LOGIN] = OIDOID,     [LPR_FACT_YES] = BOOLOID,           [LPR_FACT_COUNT] = INT4OID,
		[LPR_FACT_VERSIONS] = TEXTOID, [LPR_FACT_NAME] = TEXTOID,          [LPR_FACT_MODE] = TEXTOID,
		[LPR_FACT_EVENT] = INT8OID,    [LPR_FACT_MOMENT] = TIMESTAMPTZOID, [LPR_FACT_METRES] = FLOAT8OID,
		[LPR_FACT_TEXT] = TEXTOID,     [LPR_FACT_PLATES] = TEXTARRAYOID,   [LPR_FACT_DEGREES] = FLOAT8OID,
	};

	return types[fact->kind];
}

Oid
lpr_fact_value_type(const LprFact *fact)
{
	return fact->kind == LPR_FACT_PLATES ? TEXTOID : fact_type(fact);
}

Datum
lpr_fact_value(const LprFacts *facts, const LprAnchor *anchor, const LprFact *fact, bool *isnull)
{
	const char *of = fact->kind >= LPR_FACT_PLATES ? (const char *) anchor : (const char *) facts;
	const void *at = of + fact->offset;

	*isnull = false;
	switch (fact->kind)
	{
		case LPR_FACT_LOGIN:
			return ObjectIdGetDatum(*(const Oid *) at);
		case LPR_FACT_YES:
			return BoolGetDatum(*(const bool *) at);
		case LPR_FACT_VERSIONS:
			*isnull = NameStr(*(const NameData *) at)[0] == '\0';
			return CStringGetTextDatum(NameStr(*(const NameData *) at));
		case LPR_FACT_COUNT:
			return Int32GetDatum(*(const int *) at);
		case LPR_FACT_NAME:
			return CStringGetTextDatum(NameStr(*(const NameData *) at));
		case LPR_FACT_MODE:
			*isnull = lpr_audit_mode_name(*(const uint8 *) at) == NULL;
			return *isnull ? (Datum) 0 : CStringGetTextDatum(lpr_audit_mode_name(*(const uint8 *) at));
		case LPR_FACT_EVENT:
			*isnull = !((const LprEvent *) at)->given;
			return Int64GetDatum(((const LprEvent *) at)->id);
		case LPR_FACT_MOMENT:
			return TimestampTzGetDatum(*(const TimestampTz *) at);
		case LPR_FACT_METRES:
			*isnull = *(const double *) at <= 0;
			return Float8GetDatum(*(const double *) at);
		case LPR_FACT_PLATES:
		case LPR_FACT_TEXT:
			*isnull = *(const char *const *) at == NULL;
			return *isnull ? (Datum) 0 : CStringGetTextDatum(*(const char *const *) at);
		case LPR_FACT_DEGREES:
			*isnull = !((const LprDegrees *) at)->given;
			return Float8GetDatum(((const LprDegrees *) at)->value);
	}
	*isnull = true; /* not reached: what cannot be told is NULL, which no rule lets through */
	return (Datum) 0;
}

void
lpr_facts_check(TupleDesc desc)
{
	bool same = desc->natts == LPR_FACTS;

	for (int i = 0; same && i < LPR_FACTS; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		same = strcmp(NameStr(attribute->attname), lpr_facts[i].name) == 0 &&
			   attribute->atttypid == fact_type(&lpr_facts[i]) && !attribute->attisdropped;
	}
	if (!same)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("type lpr_data.question is not what this library knows"),
						errhint("ALTER EXTENSION lpr UPDATE;")));
}

void
lpr_facts_of_session(LprFacts *facts)
{
	facts->login = GetAuthenticatedUserId();
	facts->same_user = GetSessionUserId() == facts->login;
	facts->remote = lpr_session_remote();
	lpr_session_address(&facts->address);
	facts->encrypted = lpr_session_encrypted();
	facts->client = lpr_session_has_client();
	lpr_consent_given(&facts->agreed, &facts->agreed_at, &facts->away_s, &facts->passing);
}

/* lpr_data.session(): for lpr.my_access, which tells what the gate would say, and for lpr.accept_rules(). */
PG_FUNCTION_INFO_V1(lpr_question_of_session);
Datum
lpr_question_of_session(PG_FUNCTION_ARGS)
{
	TupleDesc desc;
	LprFacts facts = {0};
	const LprAnchor none = {0};
	Datum values[LPR_FACTS] = {0};
	bool nulls[LPR_FACTS];

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	lpr_facts_check(desc);
	lpr_facts_of_session(&facts);
	for (int i = 0; i < LPR_FACTS; i++)
	{
		nulls[i] = i >= LPR_SESSION_FACTS;
		if (!nulls[i])
			values[i] = lpr_fact_value(&facts, &none, &lpr_facts[i], &nulls[i]);
	}
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
