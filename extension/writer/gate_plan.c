/*
 * gate_plan.c: the statements that ask the rules, each planned once for all batches.
 */
#include "writer/gate_plan.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "server/data.h"

/* Behind the facts of a question: LprAccepted. */
#define ACCEPTED_FACTS 3

/* Of questions and of the rests of answers; of those the second part lets through as it did before. */
static SPIPlanPtr gate_plans[2][2];
static SPIPlanPtr person_plan = NULL; /* the second part alone: what it reads, and what it would say now */

/* "$1, $2, ..." or "login, same_user, ...": one for each fact, in the gate's order. */
static char *
list_facts(bool by_name)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < LPR_FACTS; i++)
		if (by_name)
			appendStringInfo(&list, "%s%s", i > 0 ? ", " : "", lpr_facts[i].name);
		else
			appendStringInfo(&list, "%s$%d", i > 0 ? ", " : "", i + 1);
	return list.data;
}

/* The columns of lpr_data.question, out of what was handed over. */
static char *
list_columns(void)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < LPR_FACTS; i++)
		appendStringInfo(&list, lpr_facts[i].kind == LPR_FACT_PLATES ? "%sstring_to_array(q.%s, ' ')" : "%sq.%s",
						 i > 0 ? ", " : "", lpr_facts[i].name);
	return list.data;
}

/* The facts are handed over by their place. */
static void
check_question(void)
{
	Oid type = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum("question"),
							   ObjectIdGetDatum(lpr_data_schema()));
	TupleDesc desc;

	if (!OidIsValid(type))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("type lpr_data.question does not exist")));
	desc = lookup_rowtype_tupdesc(type, -1);
	lpr_facts_check(desc);
	ReleaseTupleDesc(desc);
}

/*
 * One plan for all batches: planning costs more than deciding. It is made anew when anything that it rests on changes.
 * The arrays are the facts of the questions, and behind them, with_accepted, what was accepted of each.
 */
static SPIPlanPtr
prepare(const char *query, bool with_accepted)
{
	static const Oid accepted_types[ACCEPTED_FACTS] = {INT4OID, TIMESTAMPTZOID, TIMESTAMPTZOID};
	Oid types[LPR_FACTS + ACCEPTED_FACTS];
	SPIPlanPtr plan;

	check_question();
	for (int i = 0; i < LPR_FACTS; i++)
		types[i] = get_array_type(lpr_fact_value_type(&lpr_facts[i]));
	for (int i = 0; i < ACCEPTED_FACTS; i++)
		types[LPR_FACTS + i] = get_array_type(accepted_types[i]);
	plan = SPI_prepare_cursor(query, LPR_FACTS + (with_accepted ? ACCEPTED_FACTS : 0), types, CURSOR_OPT_GENERIC_PLAN);
	if (plan == NULL)
		elog(ERROR, "could not prepare the gate: %s", SPI_result_code_string(SPI_result));
	SPI_keepplan(plan);
	return plan;
}

/* "unnest($1, $2, ...) WITH ORDINALITY AS q (login, ..., number)": a row a question. */
static char *
list_questions(bool with_accepted)
{
	return psprintf("unnest(%s%s) WITH ORDINALITY AS q (%s%s, number)", list_facts(false),
					with_accepted ? psprintf(", $%d, $%d, $%d", LPR_FACTS + 1, LPR_FACTS + 2, LPR_FACTS + 3) : "",
					list_facts(true), with_accepted ? ", whose, accepted_at, accepted_until" : "");
}

SPIPlanPtr
lpr_gate_plan(bool again, bool accepted)
{
	if (gate_plans[again][accepted] == NULL)
		gate_plans[again][accepted] = prepare(
			psprintf("SELECT q.number::integer, g.control, g.sqlstate, g.message, g.detail, g.hint, l.reads::bigint, "
					 "g.holds_until, "
					 /* the moment by a subquery: a volatile argument would keep the function from being inlined */
					 "(SELECT lpr_data.cache_expiry(n.moment, c.keep) FROM lpr_data.cache_time AS c, "
					 "(SELECT clock_timestamp() AS moment OFFSET 0) AS n), "
					 "g.person_id, g.decided_at, g.person_until, l.plates::bigint, "
					 "(SELECT r.plates::bigint FROM lpr_data.rate_limit AS r WHERE r.name = 'person_day'), "
					 "(SELECT r.plates::bigint FROM lpr_data.rate_limit AS r WHERE r.name = 'event_day') FROM %s "
					 "LEFT JOIN lpr_data.search_limit AS l ON l.mode = q.mode "
					 "LEFT JOIN LATERAL lpr_data.gate(ROW(%s)::lpr_data.question, %s, %s) AS g ON true",
					 list_questions(accepted), list_columns(), again ? "true" : "false",
					 accepted ? "true, q.whose, q.accepted_at, q.accepted_until" : "false"),
			accepted);
	return gate_plans[again][accepted];
}

SPIPlanPtr
lpr_person_plan(void)
{
	if (person_plan == NULL)
		person_plan = prepare(
			psprintf(
				"SELECT q.number::integer, p.decided AND p.refusal IS NULL AND p.holds_until >= q.accepted_until, "
				"n.moment >= q.accepted_at AND n.moment < q.accepted_until "
				"FROM (SELECT clock_timestamp() AS moment OFFSET 0) AS n CROSS JOIN %s "
				"LEFT JOIN LATERAL lpr_data.gate_person(ROW(%s)::lpr_data.question, q.whose, n.moment) AS p ON true",
				list_questions(true), list_columns()),
			true);
	return person_plan;
}

static Datum
build_array(Datum *values, bool *nulls, int n, Oid type)
{
	int lower = 1;
	int16 len;
	bool by_value;
	char align;

	get_typlenbyvalalign(type, &len, &by_value, &align);
	return PointerGetDatum(construct_md_array(values, nulls, 1, &n, &lower, type, len, by_value, align));
}

/* One fact of all questions, as the array that the statement takes. */
static Datum
facts_array(List *cases, const LprFact *fact)
{
	Datum *values = palloc(list_length(cases) * sizeof(Datum));
	bool *nulls = palloc(list_length(cases) * sizeof(bool));
	int i = 0;
	ListCell *cell;

	foreach (cell, cases)
	{
		const LprCase *one = lfirst(cell);

		values[i] = lpr_fact_value(&one->record->facts, &one->anchor, fact, &nulls[i]);
		i++;
	}
	return build_array(values, nulls, i, lpr_fact_value_type(fact));
}

/* What a plan takes. */
static Datum *
arguments(List *cases, bool with_accepted)
{
	Datum *all = palloc((LPR_FACTS + ACCEPTED_FACTS) * sizeof(Datum));
	int n = list_length(cases);
	Datum *whose = palloc(n * sizeof(Datum)), *since = palloc(n * sizeof(Datum)), *until = palloc(n * sizeof(Datum));
	int i = 0;
	ListCell *cell;

	for (int f = 0; f < LPR_FACTS; f++)
		all[f] = facts_array(cases, &lpr_facts[f]);
	if (!with_accepted)
		return all;
	foreach (cell, cases)
	{
		const LprAccepted *accepted = &((LprCase *) lfirst(cell))->accepted;

		whose[i] = Int32GetDatum(accepted->person_id);
		since[i] = TimestampTzGetDatum(accepted->since);
		until[i++] = TimestampTzGetDatum(accepted->until);
	}
	all[LPR_FACTS] = build_array(whose, NULL, n, INT4OID);
	all[LPR_FACTS + 1] = build_array(since, NULL, n, TIMESTAMPTZOID);
	all[LPR_FACTS + 2] = build_array(until, NULL, n, TIMESTAMPTZOID);
	return all;
}

void
lpr_gate_plan_execute(SPIPlanPtr plan, List *cases, bool with_accepted)
{
	/* model: judge */
	if (SPI_execute_plan(plan, arguments(cases, with_accepted), NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "the gate did not answer");
	if (SPI_processed != (uint64) list_length(cases))
		elog(ERROR, "the gate did not answer about all that was asked");
}

static void
forget_plan(SPIPlanPtr *plan)
{
	if (*plan != NULL)
		SPI_freeplan(*plan);
	*plan = NULL;
}

void
lpr_gate_plan_forget(void)
{
	for (int i = 0; i < 4; i++)
		forget_plan(&gate_plans[i / 2][i % 2]);
	forget_plan(&person_plan);
}
