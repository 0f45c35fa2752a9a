/*
 * drive: what the bench asks of the audit writer without a vendor: the gate's decision alone, and many records at once.
 * It calls the library's own functions, as its scans do; they are found when the bench starts.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "audit/audit.h"
#include "gate/gate.h"

PG_MODULE_MAGIC;

static void *
function(const char *name)
{
	return load_external_function("$libdir/lpr", name, true, NULL);
}

/*
 * bench.ask(source, plates): one question about so many plates, BENCH000 and so on, put before the gate. Whether it was
 * let through; its row is on disk either way.
 */
PG_FUNCTION_INFO_V1(bench_ask);
Datum
bench_ask(PG_FUNCTION_ARGS)
{
	static void (*ask)(LprGateQuestion * *questions, int n) = NULL;
	int n = PG_GETARG_INT32(1);
	const char **plates = palloc(n * sizeof(*plates));
	TimestampTz now = GetCurrentTimestamp();
	LprQuery query = {
		.mode = LPR_MODE_PLATE,
		.nplates = n,
		.plates = plates,
		.from = now - 30 * USECS_PER_DAY,
		.until = now,
		.asked_at = now,
	};
	LprGateQuestion question = {
		.source = text_to_cstring(PG_GETARG_TEXT_PP(0)),
		.query = &query,
		.event = {true, 1},
		.url = "https://vendor.example/v1/reads/search",
	};
	LprGateQuestion *questions[1] = {&question};

	/* Sorted, as they are in a question. */
	for (int i = 0; i < n; i++)
		plates[i] = psprintf("BENCH%03d", i);
	if (ask == NULL)
		ask = function("lpr_gate_ask");
	ask(questions, 1);
	PG_RETURN_BOOL(!question.receipt.refused);
}

/* bench.leave(n): n records like those of questions, as fast as the writer takes them; it waits for none. */
PG_FUNCTION_INFO_V1(bench_leave);
Datum
bench_leave(PG_FUNCTION_ARGS)
{
	static const char payload[] =
		"{\"plates\": [\"BENCH123\"], \"from\": \"2026-01-01T00:00:00.000000Z\", \"until\": "
		"\"2026-01-31T00:00:00.000000Z\", "
		"\"asked_at\": \"2026-01-31T00:00:00.000000Z\", \"url\": \"https://vendor.example/v1/reads/search\", "
		"\"client\": \"local\", \"encrypted\": false}";
	static bool (*leave)(const LprAuditEntry *entry) = NULL;
	LprAuditEntry entry = {
		.kind = LPR_AUDIT_READ,
		.source = "bulk",
		.facts.mode = LPR_MODE_PLATE,
		.payload = payload,
		.payload_len = sizeof(payload) - 1,
	};

	if (leave == NULL)
		leave = function("lpr_audit_leave");
	for (int64 i = PG_GETARG_INT64(0); i > 0;)
	{
		CHECK_FOR_INTERRUPTS();
		if (leave(&entry))
			i--;
		else
			pg_usleep(1000);
	}
	PG_RETURN_VOID();
}
