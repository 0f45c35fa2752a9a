/*
 * alert.c: what a vendor pushed and a service hands in: whether the vendor signed it, and what of it is watched (D1).
 */
#include "postgres.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "fmgr.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "audit/audit.h"
#include "format/payload.h"
#include "gate/query_stats.h"
#include "server/secret.h"
#include "source/source.h"
#include "watch/hit.h"

PG_FUNCTION_INFO_V1(lpr_alert_signed_at);
PG_FUNCTION_INFO_V1(lpr_alert_take);

#define HASH_LEN   32
#define DIGITS_MAX 11 /* seconds since 1970, for three thousand years */

/* TIME|SIGNATURE: the seconds as they were signed, and the bytes of the signature. False: it is not of that form. */
static bool
take_signature(const char *signature, char seconds[DIGITS_MAX + 1], uint8 mac[HASH_LEN])
{
	size_t digits = strspn(signature, "0123456789");
	const char *hex = signature + digits + 1;

	if (digits == 0 || digits > DIGITS_MAX || signature[digits] != '|' || strlen(hex) != 2 * HASH_LEN ||
		strspn(hex, "0123456789abcdefABCDEF") != 2 * HASH_LEN)
		return false;
	memcpy(seconds, signature, digits);
	seconds[digits] = '\0';
	hex_decode(hex, 2 * HASH_LEN, (char *) mac);
	return true;
}

/*
 * lpr_data.alert_signed_at(source text, body bytea, signature text) returns timestamptz: when the vendor signed it;
 * NULL when it did not.
 *
 * As Verkada documents it for what it pushes (Verkada-Signature): HMAC-SHA-256, under the secret of both, of the body,
 * "|" and the time.
 */
Datum
lpr_alert_signed_at(PG_FUNCTION_ARGS)
{
	char *source = text_to_cstring(PG_GETARG_TEXT_PP(0));
	bytea *body = PG_GETARG_BYTEA_PP(1);
	char seconds[DIGITS_MAX + 1];
	uint8 told[HASH_LEN], expected[HASH_LEN];
	unsigned int len = 0;
	StringInfoData message;
	char *key;
	bool made;

	if (!take_signature(text_to_cstring(PG_GETARG_TEXT_PP(2)), seconds, told))
		PG_RETURN_NULL();
	initStringInfo(&message);
	appendBinaryStringInfo(&message, VARDATA_ANY(body), VARSIZE_ANY_EXHDR(body));
	appendStringInfo(&message, "|%s", seconds);
	key = lpr_secret_get(psprintf("%s.alert", source));
	made =
		HMAC(EVP_sha256(), key, (int) strlen(key), (unsigned char *) message.data, message.len, expected, &len) != NULL;
	explicit_bzero(key, strlen(key));
	if (!made || len != HASH_LEN)
		elog(ERROR, "libcrypto makes no HMAC-SHA-256");
	if (CRYPTO_memcmp(told, expected, HASH_LEN) != 0)
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(time_t_to_timestamptz((pg_time_t) strtoll(seconds, NULL, 10)));
}

/* The record that all of it hangs on; its answer's is that of what was found in it. */
static int64
record_delivery(const char *source, size_t bytes)
{
	LprText payload = {0};
	LprReceipt receipt;
	LprAuditEntry entry = {.kind = LPR_AUDIT_READ, .source = source};

	lpr_payload_open(&payload);
	lpr_payload_text(&payload, "what", psprintf("deliver_alert(%s)", source));
	lpr_payload_integer(&payload, "bytes", (int64) bytes);
	lpr_audit_describe_session(&payload);
	lpr_audit_set_payload(&entry, &payload);
	lpr_audit_await(lpr_audit_send(&entry), &receipt);
	return receipt.number;
}

static void
record_answer(const char *source, int64 ask, const LprHitCounts *counts)
{
	LprText payload = {0};
	LprReceipt receipt;
	LprAuditEntry entry = {.kind = LPR_AUDIT_ANSWER, .source = source, .ask = ask};

	lpr_payload_open(&payload);
	lpr_payload_text(&payload, "outcome", "complete");
	lpr_hit_describe(&payload, counts);
	lpr_audit_set_payload(&entry, &payload);
	lpr_audit_await(lpr_audit_send(&entry), &receipt);
}

/* Hands over all reads of a body. False: it is none of the dialect's. */
static bool
take_reads(LprSource *source, const char *body, size_t len, LprHitStore *store)
{
	TimestampTz now = GetCurrentTimestamp();
	LprQuery query = {.mode = LPR_MODE_PLATE, .from = lpr_five_years_before(now), .until = now + LPR_CLOCK_SKEW};
	LprLeg leg = {.query = &query, .site = &source->site, .camera = -1, .from = query.from, .until = query.until};
	LprPage page;
	LprPageStep step = LPR_PAGE_FAULT;
	LprRead read;

	if (lpr_page_open(&page, &leg, body, len))
		while ((step = lpr_page_step(source->options.dialect, &page, &read)) == LPR_PAGE_READ ||
			   step == LPR_PAGE_BAD_READ)
		{
			if (step == LPR_PAGE_BAD_READ)
				lpr_hit_store_malformed(store);
			else
				lpr_hit_store_add(store, &read);
		}
	lpr_page_close(&page);
	free(leg.next);
	free(leg.mark);
	return step == LPR_PAGE_END;
}

/*
 * lpr_data.take_alert(source text, body bytea) returns bigint: how many reads it holds; NULL: it cannot be read. Why is
 * not told: the words of a fault quote the body, which may be about anybody.
 */
Datum
lpr_alert_take(PG_FUNCTION_ARGS)
{
	char *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	bytea *body = PG_GETARG_BYTEA_PP(1);
	ForeignServer *server = GetForeignServerByName(name, false);
	LprFault fault = {0};
	LprHitCounts counts = {0};
	LprHitStore *store;
	LprSource *source = lpr_source_hold(server->serverid, GetAuthenticatedUserId(), &fault);
	volatile bool good = false;

	if (source == NULL)
		ereport(ERROR, (errcode(ERRCODE_CONFIG_FILE_ERROR), errmsg("source \"%s\" is not set up", name),
						errdetail("%s", fault.message)));
	PG_TRY();
	{
		int64 ask;

		lpr_source_load_register(source);
		ask = record_delivery(name, VARSIZE_ANY_EXHDR(body));
		store = lpr_hit_store_begin(CurrentMemoryContext, name, ask);
		good = take_reads(source, VARDATA_ANY(body), VARSIZE_ANY_EXHDR(body), store);
		if (good)
		{
			lpr_hit_store_end(store, &counts);
			record_answer(name, ask, &counts);
		}
	}
	PG_FINALLY();
	{
		lpr_source_release(source);
	}
	PG_END_TRY();
	if (!good)
		PG_RETURN_NULL();
	PG_RETURN_INT64(counts.told);
}
