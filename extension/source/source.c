/*
 * source.c: the vendors of this backend: made from their options, kept while these hold, their cameras read.
 */
#include "source/source.h"

#include "access/xact.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "fmgr.h"
#include "foreign/foreign.h"
#include "funcapi.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "server/data.h"
#include "server/secret.h"

static LprSource *sources = NULL;
static uint64 changes = 0; /* of servers and mappings, as far as this backend was told */

static void
free_source(LprSource *source)
{
	LprSource **link = &sources;

	while (*link != NULL && *link != source)
		link = &(*link)->next;
	if (*link != NULL)
		*link = source->next;
	lpr_site_forget(&source->site);
	lpr_site_forget(&source->placed);
	if (source->site.secret != NULL)
		explicit_bzero((char *) source->site.secret, strlen(source->site.secret));
	MemoryContextDelete(source->context);
}

/* A server or mapping changed: all sources are read anew, which is rare and cheap. */
static void
forget_sources(Datum arg, int cache, uint32 hash)
{
	LprSource *source = sources;

	changes++;
	while (source != NULL)
	{
		LprSource *next = source->next;

		source->stale = true;
		if (source->users == 0)
			free_source(source);
		source = next;
	}
	lpr_http_forget();
}

/* Of an hour that comes twice in autumn, the second: winter time. */
static LprMoment
in_zone(const void *zone, LprMoment moment)
{
	struct pg_tm tm;
	fsec_t fsec;

	if (timestamp2tm(moment, NULL, &tm, &fsec, NULL, NULL) != 0)
		return moment;
	return moment + DetermineTimeZoneOffset(&tm, (pg_tz *) zone) * LPR_SECOND; /* it counts westward */
}

static LprSource *
hold(Oid server_id, Oid login)
{
	static bool callbacks = false;
	UserMapping *mapping;
	uint64 known;
	ForeignServer *server;
	LprSource *source;
	MemoryContext context;
	MemoryContext old;

	if (!callbacks)
	{
		CacheRegisterSyscacheCallback(FOREIGNSERVEROID, forget_sources, (Datum) 0);
		CacheRegisterSyscacheCallback(USERMAPPINGOID, forget_sources, (Datum) 0);
		callbacks = true;
	}
	known = changes;
	if (!SearchSysCacheExists2(USERMAPPINGUSERSERVER, ObjectIdGetDatum(login), ObjectIdGetDatum(server_id)) &&
		!SearchSysCacheExists2(USERMAPPINGUSERSERVER, ObjectIdGetDatum(InvalidOid), ObjectIdGetDatum(server_id)))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("it has no user mapping"),
						errdetail("Its user mapping names its secret."),
						errhint("CREATE USER MAPPING FOR PUBLIC SERVER %s OPTIONS (secret '...its name...');",
								quote_identifier(GetForeignServer(server_id)->servername))));
	mapping = GetUserMapping(login, server_id);
	for (source = sources; source != NULL; source = source->next)
		if (source->mapping == mapping->umid && !source->stale)
			break;
	if (source == NULL)
	{
		context = AllocSetContextCreate(TopMemoryContext, "lpr source", ALLOCSET_SMALL_SIZES);
		old = MemoryContextSwitchTo(context);
		PG_TRY();
		{
			server = GetForeignServer(server_id);
			source = palloc0(sizeof(LprSource));
			source->context = context;
			source->server = server_id;
			source->mapping = mapping->umid;
			source->name = pstrdup(server->servername);
			lpr_options_read(server->options, copyObject(mapping->options), &source->options);
			source->options.peer.key = server_id;
			source->options.peer.name = source->name;
			if (source->options.secret == NULL)
				ereport(ERROR,
						(errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND), errmsg("it has no secret"),
						 errhint("ALTER USER MAPPING FOR PUBLIC SERVER %s OPTIONS (ADD secret '...its name...');",
								 quote_identifier(source->name))));
			source->site.url = source->options.url;
			source->site.client_id = source->options.client_id;
			source->site.audience = source->options.audience;
			source->site.reason = source->options.reason;
			source->site.page_size = source->options.page_size;
			source->site.zone = source->options.time_zone != NULL ? pg_tzset(source->options.time_zone) : NULL;
			source->site.in_zone = in_zone;
			if (source->options.dialect->wants_client_id && source->options.client_id == NULL)
				ereport(ERROR, (errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND), errmsg("it has no client_id"),
								errhint("ALTER USER MAPPING FOR PUBLIC SERVER %s OPTIONS (ADD client_id '...');",
										quote_identifier(source->name))));
			source->site.secret =
				lpr_secret_get(source->options.secret); /* last: nothing may throw while it lies about */
		}
		PG_CATCH();
		{
			MemoryContextSwitchTo(old);
			MemoryContextDelete(context);
			PG_RE_THROW();
		}
		PG_END_TRY();
		MemoryContextSwitchTo(old);
		source->stale = known != changes; /* it changed while it was read */
		source->next = sources;
		sources = source;
	}
	source->users++;
	return source;
}

LprSource *
lpr_source_hold(Oid server, Oid login, LprFault *fault)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	LprSource *volatile source = NULL;

	/*
	 * A subtransaction, since what is caught may have opened tables; where there can be none, a failure is that of the
	 * query.
	 */
	if (IsInParallelMode())
		return hold(server, login);
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		source = hold(server, login);
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		/* A cancel or a shutdown is no failure of the source. */
		if (ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_OPERATOR_INTERVENTION)
			ReThrowError(error);
		lpr_fault(fault, unpack_sql_state(error->sqlerrcode), "%.390s", error->message);
		if (error->detail != NULL)
			lpr_fault_detail(fault, "%s", error->detail);
		else if (error->context != NULL)
			lpr_fault_detail(fault, "%s", error->context);
		if (error->hint != NULL)
			lpr_fault_hint(fault, "%s", error->hint);
		FreeErrorData(error);
	}
	PG_END_TRY();
	return source;
}

static bool
add_camera(LprSite *fresh, const LprDataScan *register_row)
{
	LprCamera camera = {
		.id = lpr_data_text(register_row, "camera_id"),
		.address = lpr_data_text(register_row, "address"),
		.owner = lpr_data_text(register_row, "owner"),
		.type = lpr_data_text(register_row, "type"),
		.region = lpr_data_text(register_row, "region"),
		.country = lpr_data_text(register_row, "country"),
	};
	bool no_latitude, no_longitude;

	camera.latitude = DatumGetFloat8(lpr_data_get(register_row, "latitude", FLOAT8OID, &no_latitude));
	camera.longitude = DatumGetFloat8(lpr_data_get(register_row, "longitude", FLOAT8OID, &no_longitude));
	camera.has_point = !no_latitude && !no_longitude;
	return lpr_site_add_camera(fresh, &camera);
}

void
lpr_source_load_register(LprSource *source)
{
	LprDataScan cameras;
	LprSite fresh = {0};

	if (!lpr_data_begin(&cameras, "camera", "source", source->name))
		elog(ERROR, "table lpr_data.camera is missing");
	PG_TRY();
	{
		while (lpr_data_next(&cameras))
			if (!add_camera(&fresh, &cameras))
				ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	}
	PG_CATCH();
	{
		lpr_site_forget(&fresh);
		PG_RE_THROW();
	}
	PG_END_TRY();
	lpr_data_end(&cameras);
	if (source->options.dialect->needs_register)
		lpr_site_take_cameras(&source->site, &fresh);
	else
	{
		lpr_site_take_cameras(&source->placed, &fresh);
		source->site.placed = &source->placed;
	}
}

void
lpr_source_share(LprSource *source)
{
	source->users++;
}

void
lpr_source_release(LprSource *source)
{
	Assert(source->users > 0);
	source->users--;
	if (source->users > 0)
		return;
	if (source->stale)
		free_source(source);
	else if (!source->options.dialect->needs_register)
	{
		/* The table may have changed by the next question. */
		lpr_site_forget(&source->placed);
		source->site.placed = NULL;
	}
	else
	{
		char *token = source->site.token;

		source->site.token = NULL;
		lpr_site_forget(&source->site);
		source->site.token = token;
		source->site.has_cameras = false;
	}
}

PG_FUNCTION_INFO_V1(lpr_dialects_list);
Datum
lpr_dialects_list(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; lpr_dialects[i] != NULL; i++)
	{
		const LprDialect *dialect = lpr_dialects[i];
		bool nulls[7] = {false};
		Datum values[7] = {
			CStringGetTextDatum(dialect->name),
			BoolGetDatum((dialect->modes & LPR_MODE_PLATE) != 0),
			BoolGetDatum((dialect->modes & LPR_MODE_LOCATION) != 0),
			BoolGetDatum((dialect->modes & LPR_MODE_VEHICLE) != 0),
			Int32GetDatum(dialect->plates_per_leg),
			Int32GetDatum(dialect->page_size),
			BoolGetDatum(dialect->needs_register),
		};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/*
 * lpr_data.has_dialect_mode(source, mode). Asked by the gate about every question, hence by the caches of the
 * catalogue.
 */
PG_FUNCTION_INFO_V1(lpr_has_dialect_mode);
Datum
lpr_has_dialect_mode(PG_FUNCTION_ARGS)
{
	static const struct
	{
		const char *name;
		LprMode mode;
	} modes[] = {{"plate", LPR_MODE_PLATE}, {"location", LPR_MODE_LOCATION}, {"vehicle", LPR_MODE_VEHICLE}};
	ForeignServer *server = GetForeignServerByName(text_to_cstring(PG_GETARG_TEXT_PP(0)), true);
	char *mode = text_to_cstring(PG_GETARG_TEXT_PP(1));
	const LprDialect *dialect = NULL;
	ListCell *cell;

	foreach (cell, server != NULL ? server->options : NIL)
	{
		DefElem *option = lfirst(cell);

		if (strcmp(option->defname, "dialect") == 0)
			dialect = lpr_dialect_find(defGetString(option));
	}
	for (size_t i = 0; dialect != NULL && i < lengthof(modes); i++)
		if (strcmp(modes[i].name, mode) == 0)
			PG_RETURN_BOOL((dialect->modes & modes[i].mode) != 0);
	PG_RETURN_NULL();
}
