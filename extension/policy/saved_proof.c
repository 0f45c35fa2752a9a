/*
 * saved_proof.c: lpr_data.read_proof(): that a saved read was in the answer on record, as one text for anybody.
 */
#include "postgres.h"

#include <math.h>

#include "executor/executor.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "format/read_proof.h"

PG_FUNCTION_INFO_V1(lpr_saved_proof);

static Datum
saved_column(HeapTupleHeader saved, const char *name, bool *isnull)
{
	return GetAttributeByName(saved, name, isnull);
}

static LprSlice
text_column(HeapTupleHeader saved, const char *name)
{
	bool isnull;
	Datum value = saved_column(saved, name, &isnull);
	text *t = isnull ? NULL : DatumGetTextPP(value);

	return t == NULL ? (LprSlice){NULL, 0} : (LprSlice){VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t)};
}

static LprSlice
bytes_column(HeapTupleHeader saved, const char *name)
{
	bool isnull;
	Datum value = saved_column(saved, name, &isnull);
	bytea *bytes = isnull ? NULL : DatumGetByteaPP(value);

	return bytes == NULL ? (LprSlice){NULL, 0} : (LprSlice){VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes)};
}

static LprNumber
scaled_column(HeapTupleHeader saved, const char *name, double scale)
{
	bool isnull;
	Datum value = saved_column(saved, name, &isnull);

	return (LprNumber){!isnull, isnull ? 0 : llrint(DatumGetFloat8(value) * scale)};
}

/* The read as it was saved. Columns that were not chosen are NULL, as those that the vendor did not tell. */
static void
take_saved_read(HeapTupleHeader saved, LprReadRecord *read)
{
	bool isnull;

	for (int i = 0; i < LPR_READ_TEXTS; i++)
		read->texts[i] = text_column(saved, lpr_read_text_name(i));
	read->numbers[LPR_READ_CAPTURED_AT] = (LprNumber){
		true, DatumGetTimestampTz(saved_column(saved, lpr_read_number_name(LPR_READ_CAPTURED_AT), &isnull))};
	read->numbers[LPR_READ_LATITUDE] = scaled_column(saved, lpr_read_number_name(LPR_READ_LATITUDE), 1e7);
	read->numbers[LPR_READ_LONGITUDE] = scaled_column(saved, lpr_read_number_name(LPR_READ_LONGITUDE), 1e7);
	read->numbers[LPR_READ_CONFIDENCE] = scaled_column(saved, lpr_read_number_name(LPR_READ_CONFIDENCE), 1e6);
}

static bool
is_digest(LprSlice bytes, const LprDigest *digest)
{
	return bytes.len == LPR_DIGEST_LEN && memcmp(bytes.data, digest->bytes, LPR_DIGEST_LEN) == 0;
}

static void
take_digest(LprSlice bytes, LprDigest *digest)
{
	if (bytes.len == LPR_DIGEST_LEN)
		memcpy(digest->bytes, bytes.data, LPR_DIGEST_LEN);
}

/*
 * Shows all that the digests on record cover, as far as it was saved. When all of the details were saved, their salt
 * was too.
 */
static bool
show(HeapTupleHeader saved, LprReadProof *proof)
{
	LprText scratch = {0};
	LprDigest digest;
	LprSlice salt;
	bool good = true;

	if (proof->version == 1)
	{
		proof->read.texts[LPR_READ_PLATE] = (LprSlice){NULL, 0}; /* its record has it as read only */
		good = lpr_read_leaf_1(&proof->read, &scratch, &digest);
		if (!is_digest(bytes_column(saved, "digest"), &digest))
		{
			proof->shown = LPR_READ_LEAF;
			take_digest(bytes_column(saved, "digest"), &proof->digest);
		}
	}
	else
	{
		salt = bytes_column(saved, "salt");
		proof->salted = salt.len == LPR_SALT_LEN;
		if (proof->salted)
			memcpy(proof->salt, salt.data, LPR_SALT_LEN);
		else
		{
			proof->shown = LPR_READ_NO_DETAILS;
			take_digest(bytes_column(saved, "details"), &proof->digest);
			for (int i = LPR_READ_PLATE_REGION; i < LPR_READ_TEXTS; i++)
				proof->read.texts[i] = (LprSlice){NULL, 0};
			proof->read.numbers[LPR_READ_CONFIDENCE].given = false;
		}
	}
	lpr_text_free(&scratch);
	return good;
}

Datum
lpr_saved_proof(PG_FUNCTION_ARGS)
{
	HeapTupleHeader saved = PG_GETARG_HEAPTUPLEHEADER(0);
	bytea *log = PG_GETARG_BYTEA_PP(1);
	text *payload = PG_GETARG_TEXT_PP(3);
	LprReadProof *proof = palloc0(sizeof(LprReadProof));
	LprSlice path = bytes_column(saved, "proof");
	LprAnswerDigest answer;
	LprFault fault = {0};
	LprText out = {0};
	text *result;
	bool isnull;

	if (VARSIZE_ANY_EXHDR(log) != LPR_LOG_ID_LEN || path.len > LPR_READ_PATH_MAX * LPR_DIGEST_LEN ||
		!lpr_answer_digest_read((LprSlice){VARDATA_ANY(payload), VARSIZE_ANY_EXHDR(payload)}, &answer))
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("the record of the answer cannot be read")));
	memcpy(proof->log, VARDATA_ANY(log), LPR_LOG_ID_LEN);
	proof->row = PG_GETARG_INT64(2);
	proof->source = text_column(saved, "source");
	proof->version = answer.version;
	proof->place = DatumGetInt64(saved_column(saved, "place", &isnull));
	proof->reads = answer.reads;
	proof->root = answer.root;
	proof->path.count = path.len / LPR_DIGEST_LEN;
	memcpy(proof->path.nodes, path.data, path.len);
	take_saved_read(saved, &proof->read);
	if (!show(saved, proof))
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	/* A proof that proves nothing is not handed out. */
	if (!lpr_read_proof_holds(proof, &fault))
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("the saved read is not in the answer on record"),
						errdetail("%s.", fault.message)));
	lpr_read_proof_write(proof, &out);
	if (out.failed)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	result = cstring_to_text_with_len(out.data, out.len);
	lpr_text_free(&out);
	PG_RETURN_TEXT_P(result);
}
