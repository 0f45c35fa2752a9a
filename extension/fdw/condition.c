/*
 * condition.c: finds the conditions that a vendor can be asked among those of a query.
 */
#include "fdw/condition.h"

#include "access/stratnum.h"
#include "catalog/namespace.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/pathnodes.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "parser/parse_func.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "dialect/dialect.h"
#include "server/read_value.h"

static Oid
type_of(LprColumn column)
{
	return lpr_column_is_image(column) ? BYTEAOID : lpr_column_types[column];
}

/* The column of a foreign table that an attribute number names, by its name; -1 when it is none of ours. */
static int
column_of(Oid relid, AttrNumber attnum)
{
	char *name = attnum > 0 ? get_attname(relid, attnum, true) : NULL;

	for (int i = 0; name != NULL && i < LPR_COLUMNS; i++)
		if ((lpr_columns[i].where & LPR_IS_SHOWN) && strcmp(name, lpr_columns[i].name) == 0)
			return i;
	return -1;
}

AttrNumber
lpr_column_attnum(Oid relid, LprColumn column)
{
	return lpr_columns[column].where & LPR_IS_SHOWN ? get_attnum(relid, lpr_columns[column].name) : InvalidAttrNumber;
}

void
lpr_check_columns(Oid relid)
{
	for (int i = 0; i < LPR_COLUMNS; i++)
	{
		AttrNumber attnum = lpr_column_attnum(relid, i);

		if (attnum != InvalidAttrNumber && get_atttype(relid, attnum) != type_of(i))
			ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_DATA_TYPE),
							errmsg("column \"%s\" of foreign table \"%s\" has the wrong type", lpr_columns[i].name,
								   get_rel_name(relid)),
							errdetail("It must have type %s, as in lpr.reads.", format_type_be(type_of(i))),
							errhint("Sources are added with lpr.add_source().")));
	}
}

bool
lpr_condition_is_anchor(LprConditionKind kind)
{
	return kind == LPR_CONDITION_PLATE || kind == LPR_CONDITION_PLATES || kind == LPR_CONDITION_NEAR ||
		   kind == LPR_CONDITION_ADDRESS || kind == LPR_CONDITION_ADDRESS_LIKE || kind == LPR_CONDITION_MAKE;
}

int
lpr_condition_nvalues(LprConditionKind kind)
{
	return kind == LPR_CONDITION_NEAR ? 3 : kind == LPR_CONDITION_RECENT || kind == LPR_CONDITION_FRESH ? 0 : 1;
}

bool
lpr_dialect_takes(const LprDialect *dialect, LprConditionKind kind)
{
	switch (kind)
	{
		case LPR_CONDITION_REGION:
			return dialect->takes_region;
		case LPR_CONDITION_REGION_IF_KNOWN:
			return dialect->takes_region && dialect->keeps_unknown_region;
		case LPR_CONDITION_NEAR:
			return dialect->takes_near;
		case LPR_CONDITION_ADDRESS:
		case LPR_CONDITION_ADDRESS_LIKE:
			return dialect->takes_address;
		case LPR_CONDITION_MAKE:
		case LPR_CONDITION_MODEL:
			return dialect->takes_vehicle;
		case LPR_CONDITION_EVENT: /* the vendor never learns the case (U7) */
		case LPR_CONDITION_SOURCE:
		case LPR_CONDITION_SOURCES:
			return false;
		default:
			return true;
	}
}

int
lpr_column_expression(Node *node, Index varno, Oid relid)
{
	/*
	 * Binary-compatible casts (varchar to text) do not change it, nor do columns of a view that the planner merely
	 * wraps, as 18 does for grouping sets.
	 */
	for (;;)
		if (IsA(node, RelabelType))
			node = (Node *) ((RelabelType *) node)->arg;
		else if (IsA(node, PlaceHolderVar) && ((PlaceHolderVar *) node)->phlevelsup == 0)
			node = (Node *) ((PlaceHolderVar *) node)->phexpr;
		else
			break;
	if (!IsA(node, Var) || ((Var *) node)->varno != (int) varno || ((Var *) node)->varlevelsup != 0)
		return -1;
	return column_of(relid, ((Var *) node)->varattno);
}

/* Whether an expression can be evaluated before the scan starts. */
static bool
is_value(Node *node, Index varno)
{
	Bitmapset *own = NULL;

	pull_varattnos(node, varno, &own);
	return bms_is_empty(own) && !contain_volatile_functions(node) && !contain_subplans(node);
}

/* Under a nondeterministic collation different texts may be equal, which no vendor knows. */
static bool
is_bytewise(Oid collation)
{
	return !OidIsValid(collation) || get_collation_isdeterministic(collation);
}

/* Whether it is the function of that name in schema lpr, whose arguments are all of one type. */
static bool
is_ours(Oid function, const char *name, int nargs, Oid type)
{
	Oid arguments[4] = {type, type, type, type};
	Oid schema = get_namespace_oid("lpr", true);

	if (!OidIsValid(schema) || get_func_namespace(function) != schema)
		return false;
	return function == LookupFuncName(list_make2(makeString("lpr"), makeString(pstrdup(name))), nargs, arguments, true);
}

/* lpr.address_contains(address, text) */
static bool
recognize_address_part(FuncExpr *call, Index varno, Oid relid, LprCondition *condition)
{
	if (list_length(call->args) != 2 || !is_ours(call->funcid, "address_contains", 2, TEXTOID) ||
		lpr_column_expression(linitial(call->args), varno, relid) != LPR_COLUMN_ADDRESS ||
		!is_value(lsecond(call->args), varno))
		return false;
	condition->kind = LPR_CONDITION_ADDRESS;
	condition->values = list_make1(lsecond(call->args));
	return true;
}

/* lpr.distance_m(latitude, longitude, a, b) <= c */
static bool
recognize_near(OpExpr *op, Index varno, Oid relid, LprCondition *condition)
{
	FuncExpr *distance = linitial(op->args);
	Node *radius = lsecond(op->args);
	Oid function = get_opcode(op->opno);

	if ((function != F_FLOAT8LE && function != F_FLOAT8LT) || !IsA(distance, FuncExpr) ||
		!is_ours(distance->funcid, "distance_m", 4, FLOAT8OID))
		return false;
	if (lpr_column_expression(linitial(distance->args), varno, relid) != LPR_COLUMN_LATITUDE ||
		lpr_column_expression(lsecond(distance->args), varno, relid) != LPR_COLUMN_LONGITUDE ||
		!is_value(lthird(distance->args), varno) || !is_value(lfourth(distance->args), varno) ||
		!is_value(radius, varno))
		return false;
	condition->kind = LPR_CONDITION_NEAR;
	condition->values = list_make3(lthird(distance->args), lfourth(distance->args), radius);
	return true;
}

static bool
recognize_moment(Oid comparison, Node *value, LprCondition *condition)
{
	TypeCacheEntry *type = lookup_type_cache(TIMESTAMPTZOID, TYPECACHE_BTREE_OPFAMILY);
	int strategy = get_op_opfamily_strategy(comparison, type->btree_opf);
	static const LprConditionKind kinds[] = {
		[BTLessStrategyNumber] = LPR_CONDITION_BEFORE,   [BTLessEqualStrategyNumber] = LPR_CONDITION_UNTIL,
		[BTEqualStrategyNumber] = LPR_CONDITION_AT,      [BTGreaterEqualStrategyNumber] = LPR_CONDITION_FROM,
		[BTGreaterStrategyNumber] = LPR_CONDITION_AFTER,
	};

	if (strategy == 0)
		return false;
	/* A date or a timestamp without zone is turned into a moment when it is evaluated (lpr_condition_moment). */
	condition->kind = kinds[strategy];
	condition->values = list_make1(value);
	return true;
}

Datum
lpr_condition_moment(Oid type, Datum value)
{
	int overflow = 0;

	if (type == DATEOID)
		return TimestampTzGetDatum(date2timestamptz_opt_overflow(DatumGetDateADT(value), &overflow));
	if (type == TIMESTAMPOID)
		return TimestampTzGetDatum(timestamp2timestamptz_opt_overflow(DatumGetTimestamp(value), &overflow));
	return value;
}

char *
lpr_like_text(const char *pattern)
{
	size_t len = strlen(pattern);
	char *text;
	char *out;

	if (len < 3 || pattern[0] != '%' || pattern[len - 1] != '%')
		return NULL;
	text = out = palloc(len);
	for (size_t i = 1; i < len - 1; i++)
	{
		if (pattern[i] == '\\')
		{
			if (++i == len - 1)
				return NULL;
		}
		else if (pattern[i] == '%' || pattern[i] == '_')
			return NULL;
		*out++ = pattern[i];
	}
	*out = '\0';
	return text[0] != '\0' ? text : NULL;
}

/* column = text */
static bool
recognize_text(int column, Oid comparison, Node *value, LprCondition *condition)
{
	if (comparison != TextEqualOperator)
		return false;
	switch (column)
	{
		case LPR_COLUMN_PLATE:
			condition->kind = LPR_CONDITION_PLATE;
			break;
		case LPR_COLUMN_PLATE_REGION:
			condition->kind = LPR_CONDITION_REGION;
			break;
		case LPR_COLUMN_ADDRESS:
			condition->kind = LPR_CONDITION_ADDRESS;
			break;
		case LPR_COLUMN_MAKE:
			condition->kind = LPR_CONDITION_MAKE;
			break;
		case LPR_COLUMN_MODEL:
			condition->kind = LPR_CONDITION_MODEL;
			break;
		case LPR_COLUMN_SOURCE:
			condition->kind = LPR_CONDITION_SOURCE;
			break;
		default:
			return false;
	}
	condition->values = list_make1(value);
	return true;
}

/* event_id = number, which may be a smaller one. */
static bool
recognize_event(Oid comparison, Node *value, LprCondition *condition)
{
	Oid function = get_opcode(comparison);

	if (function != F_INT8EQ && function != F_INT84EQ && function != F_INT82EQ)
		return false;
	if (function != F_INT8EQ)
		value = coerce_to_target_type(NULL, value, exprType(value), INT8OID, -1, COERCION_IMPLICIT,
									  COERCE_IMPLICIT_CAST, -1);
	condition->kind = LPR_CONDITION_EVENT;
	condition->values = list_make1(value);
	return true;
}

static bool
recognize_address_like(Node *pattern, LprCondition *condition)
{
	if (IsA(pattern, Const) && !((Const *) pattern)->constisnull &&
		lpr_like_text(TextDatumGetCString(((Const *) pattern)->constvalue)) == NULL)
		return false;
	condition->kind = LPR_CONDITION_ADDRESS_LIKE;
	condition->values = list_make1(pattern);
	return true;
}

/* The same comparison with its sides changed; NULL when there is no such operator. */
static OpExpr *
turned(OpExpr *op)
{
	Oid comparison = get_commutator(op->opno);
	OpExpr *other;

	if (!OidIsValid(comparison))
		return NULL;
	other = copyObject(op);
	other->opno = comparison;
	other->args = list_make2(lsecond(op->args), linitial(op->args));
	return other;
}

static bool
recognize_comparison(OpExpr *op, Index varno, Oid relid, LprCondition *condition)
{
	Node *value;
	int column;

	if (list_length(op->args) != 2 || !is_bytewise(op->inputcollid))
		return false;
	if (recognize_near(op, varno, relid, condition))
		return true;
	column = lpr_column_expression(linitial(op->args), varno, relid);
	if (column < 0)
	{
		op = turned(op);
		if (op == NULL)
			return false;
		if (IsA(linitial(op->args), FuncExpr)) /* c >= lpr.distance_m(...) */
			return recognize_near(op, varno, relid, condition);
		column = lpr_column_expression(linitial(op->args), varno, relid);
	}
	value = lsecond(op->args);
	if (column < 0 || !is_value(value, varno))
		return false;
	if (column == LPR_COLUMN_CAPTURED_AT)
		return recognize_moment(op->opno, value, condition);
	if (column == LPR_COLUMN_ADDRESS && op->opno == OID_TEXT_ICLIKE_OP)
		return recognize_address_like(value, condition);
	if (column == LPR_COLUMN_EVENT_ID)
		return recognize_event(op->opno, value, condition);
	return recognize_text(column, op->opno, value, condition);
}

bool
lpr_condition_is_empty(Expr *clause, Index varno, Oid relid)
{
	return IsA(clause, NullTest) && ((NullTest *) clause)->nulltesttype == IS_NOT_NULL &&
		   lpr_column_expression((Node *) ((NullTest *) clause)->arg, varno, relid) == LPR_COLUMN_CAPTURED_AT;
}

static bool
is_unknown_region(Node *node, Index varno, Oid relid)
{
	return IsA(node, NullTest) && ((NullTest *) node)->nulltesttype == IS_NULL &&
		   lpr_column_expression((Node *) ((NullTest *) node)->arg, varno, relid) == LPR_COLUMN_PLATE_REGION;
}

/* One condition on the plates of two: a list of both. False when one of them is on something else. */
static bool
merge_plates(LprCondition *condition, const LprCondition *other)
{
	const LprCondition *both[] = {condition, other};
	List *arrays = NIL;

	for (int i = 0; i < 2; i++)
	{
		ArrayExpr *array;

		if (both[i]->guarded)
			return false;
		if (both[i]->kind == LPR_CONDITION_PLATES)
		{
			arrays = lappend(arrays, linitial(both[i]->values));
			continue;
		}
		if (both[i]->kind != LPR_CONDITION_PLATE)
			return false;
		array = makeNode(ArrayExpr);
		array->array_typeid = TEXTARRAYOID;
		array->element_typeid = TEXTOID;
		array->elements = both[i]->values;
		array->location = -1;
		arrays = lappend(arrays, array);
	}
	condition->kind = LPR_CONDITION_PLATES;
	condition->values =
		list_make1(makeFuncExpr(F_ARRAY_CAT, TEXTARRAYOID, arrays, InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL));
	return true;
}

/*
 * Three kinds of OR can be asked. (a IS NULL OR column = a), as in a function whose argument may be left out: one
 * condition, and alternatives that do not look at the scan, which become the condition's guard. (plate_region = a OR
 * plate_region IS NULL), since many vendors tell no region. And (plate = a OR plate = b), which is a list of plates.
 */
static bool
recognize_or(BoolExpr *or_expression, Index varno, Oid relid, LprCondition *condition)
{
	List *guards = NIL;
	bool own = false;
	bool or_unknown = false;
	ListCell *cell;

	foreach (cell, or_expression->args)
	{
		if (is_value(lfirst(cell), varno))
			guards = lappend(guards, lfirst(cell));
		else if (is_unknown_region(lfirst(cell), varno, relid))
			or_unknown = true;
		else
		{
			LprCondition next;

			if (!lpr_condition_recognize(lfirst(cell), varno, relid, &next) || (own && !merge_plates(condition, &next)))
				return false;
			if (!own)
				*condition = next;
			own = true;
		}
	}
	if (!own || condition->guarded)
		return false;
	if (or_unknown)
	{
		if (condition->kind != LPR_CONDITION_REGION)
			return false;
		condition->kind = LPR_CONDITION_REGION_IF_KNOWN;
	}
	if (guards != NIL)
	{
		condition->guarded = true;
		condition->values =
			lcons(list_length(guards) == 1 ? linitial(guards) : make_orclause(guards), condition->values);
	}
	return true;
}

bool
lpr_condition_recognize(Expr *clause, Index varno, Oid relid, LprCondition *condition)
{
	condition->guarded = false;
	condition->values = NIL;
	if (IsA(clause, FuncExpr))
		return recognize_address_part((FuncExpr *) clause, varno, relid, condition);
	if (IsA(clause, OpExpr))
		return recognize_comparison((OpExpr *) clause, varno, relid, condition);
	if (IsA(clause, ScalarArrayOpExpr))
	{
		ScalarArrayOpExpr *any = (ScalarArrayOpExpr *) clause;
		int column = lpr_column_expression(linitial(any->args), varno, relid);

		if (!any->useOr || any->opno != TextEqualOperator || !is_bytewise(any->inputcollid) ||
			!is_value(lsecond(any->args), varno) || (column != LPR_COLUMN_PLATE && column != LPR_COLUMN_SOURCE))
			return false;
		condition->kind = column == LPR_COLUMN_PLATE ? LPR_CONDITION_PLATES : LPR_CONDITION_SOURCES;
		condition->values = list_make1(lsecond(any->args));
		return true;
	}
	if (IsA(clause, Var) && lpr_column_expression((Node *) clause, varno, relid) == LPR_COLUMN_RECENT)
	{
		condition->kind = LPR_CONDITION_RECENT;
		return true;
	}
	if (IsA(clause, BoolExpr) && ((BoolExpr *) clause)->boolop == NOT_EXPR &&
		lpr_column_expression(linitial(((BoolExpr *) clause)->args), varno, relid) == LPR_COLUMN_FROM_CACHE)
	{
		condition->kind = LPR_CONDITION_FRESH;
		return true;
	}
	if (IsA(clause, BoolExpr) && ((BoolExpr *) clause)->boolop == OR_EXPR)
		return recognize_or((BoolExpr *) clause, varno, relid, condition);
	return false;
}
