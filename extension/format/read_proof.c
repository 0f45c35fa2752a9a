/*
 * read_proof.c: proofs of saved reads, written, read and checked. They may come from a hostile place.
 */
#include <string.h>

#include "format/object.h"
#include "format/payload.h"
#include "format/read_proof.h"

#define FORMAT         "lpr-read-proof-1"
#define STATE_BAD_READ LPR_STATE_BAD_REPLY

static const char *const texts[LPR_READ_TEXTS] = {
	[LPR_READ_ID] = "read_id",
	[LPR_READ_PLATE] = "plate",
	[LPR_READ_PLATE_REGION] = "plate_region",
	[LPR_READ_PLATE_AS_READ] = "plate_as_read",
	[LPR_READ_ADDRESS] = "address",
	[LPR_READ_CAMERA_ID] = "camera_id",
	[LPR_READ_CAMERA_OWNER] = "camera_owner",
	[LPR_READ_CAMERA_TYPE] = "camera_type",
	[LPR_READ_MAKE] = "make",
	[LPR_READ_MODEL] = "model",
	[LPR_READ_COLOR] = "color",
};

static const char *const numbers[LPR_READ_NUMBERS] = {
	[LPR_READ_CAPTURED_AT] = "captured_at",
	[LPR_READ_LATITUDE] = "latitude",
	[LPR_READ_LONGITUDE] = "longitude",
	[LPR_READ_CONFIDENCE] = "confidence",
};

const char *
lpr_read_text_name(int text)
{
	return text < LPR_READ_TEXTS ? texts[text] : NULL;
}

const char *
lpr_read_number_name(int number)
{
	return number < LPR_READ_NUMBERS ? numbers[number] : NULL;
}

void
lpr_read_proof_write(const LprReadProof *proof, LprText *out)
{
	char hex[2 * LPR_DIGEST_LEN + 1];

	lpr_payload_open(out);
	lpr_payload_text(out, "format", FORMAT);
	lpr_payload_hex(out, "log", proof->log, LPR_LOG_ID_LEN);
	lpr_payload_integer(out, "row", proof->row);
	lpr_payload_slice(out, "source", proof->source);
	lpr_payload_integer(out, "version", proof->version);
	lpr_payload_integer(out, "place", proof->place);
	lpr_payload_integer(out, "reads", proof->reads);
	lpr_payload_json(out, "path", "[");
	for (int i = 0; i < proof->path.count; i++)
	{
		lpr_hex(proof->path.nodes[i].bytes, LPR_DIGEST_LEN, hex);
		lpr_payload_element(out, hex);
	}
	lpr_text_adds(out, "]");
	lpr_payload_hex(out, "root", proof->root.bytes, LPR_DIGEST_LEN);
	if (proof->shown == LPR_READ_LEAF)
		lpr_payload_hex(out, "leaf", proof->digest.bytes, LPR_DIGEST_LEN);
	else
	{
		lpr_payload_json(out, "read", "{");
		for (int i = 0; i < LPR_READ_TEXTS; i++)
			lpr_payload_slice(out, texts[i], proof->read.texts[i]);
		for (int i = 0; i < LPR_READ_NUMBERS; i++)
			if (proof->read.numbers[i].given)
				lpr_payload_integer(out, numbers[i], proof->read.numbers[i].value);
		if (proof->salted)
			lpr_payload_hex(out, "salt", proof->salt, LPR_SALT_LEN);
		if (proof->shown == LPR_READ_NO_DETAILS)
			lpr_payload_hex(out, "details", proof->digest.bytes, LPR_DIGEST_LEN);
		lpr_payload_close(out);
	}
	lpr_payload_close(out);
}

static bool
bad_member(LprFault *fault, LprSlice name)
{
	char shown[LPR_EXCERPT_ROOM];

	return lpr_fault(fault, STATE_BAD_READ,
					 "not a proof of a read: its member \"%.60s\" is not known, not well-formed, or there twice",
					 lpr_excerpt(name.data, name.len, shown));
}

/* The member's value; false when it is not well-formed, there a second time, or no member of a read. */
static bool
take_field(LprObject *rest, LprSlice name, LprReadProof *proof)
{
	for (int i = 0; i < LPR_READ_TEXTS; i++)
		if (lpr_object_is(name, texts[i]))
			return proof->read.texts[i].data == NULL && lpr_object_text(rest, &proof->read.texts[i]);
	for (int i = 0; i < LPR_READ_NUMBERS; i++)
		if (lpr_object_is(name, numbers[i]))
		{
			LprNumber *number = &proof->read.numbers[i];
			bool first = !number->given;

			number->given = true;
			return first && lpr_object_integer(rest, &number->value);
		}
	if (lpr_object_is(name, "salt"))
	{
		bool first = !proof->salted;

		proof->salted = true;
		return first && lpr_object_hex(rest, proof->salt, LPR_SALT_LEN);
	}
	if (!lpr_object_is(name, "details") || proof->shown == LPR_READ_NO_DETAILS)
		return false;
	proof->shown = LPR_READ_NO_DETAILS;
	return lpr_object_hex(rest, proof->digest.bytes, LPR_DIGEST_LEN);
}

static bool
take_proved_read(LprObject *rest, LprReadProof *proof, LprFault *fault)
{
	LprSlice name;

	if (!lpr_object_take(rest, '{'))
		return bad_member(fault, (LprSlice){"read", 4});
	do
	{
		if (!lpr_object_name(rest, &name))
			return bad_member(fault, (LprSlice){"read", 4});
		if (!take_field(rest, name, proof))
			return bad_member(fault, name);
	} while (lpr_object_take(rest, ','));
	return lpr_object_take(rest, '}') || bad_member(fault, (LprSlice){"read", 4});
}

/* The members, each of them once; `read` and `leaf` are one. */
enum
{
	MEMBER_FORMAT,
	MEMBER_LOG,
	MEMBER_ROW,
	MEMBER_SOURCE,
	MEMBER_VERSION,
	MEMBER_PLACE,
	MEMBER_READS,
	MEMBER_PATH,
	MEMBER_ROOT,
	MEMBER_READ,
	MEMBERS
};

static const char *const members[MEMBERS] = {"format", "log",   "row",  "source", "version",
											 "place",  "reads", "path", "root",   "read"};

static bool
take_member(LprObject *rest, int member, LprReadProof *proof)
{
	LprSlice format;

	switch (member)
	{
		case MEMBER_FORMAT:
			return lpr_object_text(rest, &format) && lpr_object_is(format, FORMAT);
		case MEMBER_LOG:
			return lpr_object_hex(rest, proof->log, LPR_LOG_ID_LEN);
		case MEMBER_ROW:
			return lpr_object_integer(rest, &proof->row) && proof->row > 0;
		case MEMBER_SOURCE:
			return lpr_object_text(rest, &proof->source);
		case MEMBER_VERSION:
			return lpr_object_integer(rest, &proof->version) && proof->version >= 1 &&
				   proof->version <= LPR_READ_VERSION;
		case MEMBER_PLACE:
			return lpr_object_integer(rest, &proof->place) && proof->place >= 0;
		case MEMBER_READS:
			return lpr_object_integer(rest, &proof->reads) && proof->reads > 0;
		case MEMBER_PATH:
			return lpr_object_digests(rest, proof->path.nodes, LPR_READ_PATH_MAX, &proof->path.count);
		case MEMBER_ROOT:
			return lpr_object_hex(rest, proof->root.bytes, LPR_DIGEST_LEN);
	}
	return false;
}

/* What must be there, and what must not, by version. */
static bool
check_proved_read(const LprReadProof *proof, LprFault *fault)
{
	if ((proof->shown == LPR_READ_LEAF && proof->version != 1) ||
		(proof->shown == LPR_READ_NO_DETAILS && proof->version == 1) ||
		(proof->version == 1 && (proof->read.texts[LPR_READ_PLATE].data != NULL || proof->salted)))
		return lpr_fault(fault, STATE_BAD_READ, "not a proof of a read: version %lld does not cover what it shows",
						 (long long) proof->version);
	if (proof->shown != LPR_READ_NO_DETAILS)
		return proof->version == 1 || proof->salted ||
			   lpr_fault(fault, STATE_BAD_READ, "not a proof of a read: the salt of its details is missing");
	if (proof->salted)
		return lpr_fault(fault, STATE_BAD_READ,
						 "not a proof of a read: \"salt\" is shown beside the digest of the details");
	for (int i = LPR_READ_PLATE_REGION; i < LPR_READ_TEXTS; i++)
		if (proof->read.texts[i].data != NULL)
			return lpr_fault(fault, STATE_BAD_READ,
							 "not a proof of a read: \"%s\" is shown beside the digest of the details", texts[i]);
	return !proof->read.numbers[LPR_READ_CONFIDENCE].given ||
		   lpr_fault(fault, STATE_BAD_READ,
					 "not a proof of a read: \"confidence\" is shown beside the digest of the details");
}

bool
lpr_read_proof_read(LprSlice text, LprReadProof *proof, LprFault *fault)
{
	bool seen[MEMBERS] = {false};
	LprSlice name;

	memset(proof, 0, sizeof(*proof));
	if (text.data == NULL || !lpr_object_take(&text, '{'))
		return lpr_fault(fault, STATE_BAD_READ, "not a proof of a read, which is a JSON object");
	do
	{
		bool leaf, good;
		int member = 0;

		if (!lpr_object_name(&text, &name))
			return lpr_fault(fault, STATE_BAD_READ, "not a proof of a read: it is cut, or not JSON");
		leaf = lpr_object_is(name, "leaf");
		while (member < MEMBERS && !lpr_object_is(name, members[member]) && !(leaf && member == MEMBER_READ))
			member++;
		if (member == MEMBERS || seen[member])
			return bad_member(fault, name);
		seen[member] = true;
		if (leaf)
		{
			proof->shown = LPR_READ_LEAF;
			good = lpr_object_hex(&text, proof->digest.bytes, LPR_DIGEST_LEN);
		}
		else if (member == MEMBER_READ)
		{
			if (!take_proved_read(&text, proof, fault))
				return false;
			good = true;
		}
		else
			good = take_member(&text, member, proof);
		if (!good)
			return bad_member(fault, name);
	} while (lpr_object_take(&text, ','));
	if (!lpr_object_take(&text, '}') || !lpr_object_end(&text))
		return lpr_fault(fault, STATE_BAD_READ, "not a proof of a read: it is cut, or more follows it");
	for (int i = 0; i < MEMBERS; i++)
		if (!seen[i])
			return lpr_fault(fault, STATE_BAD_READ, "not a proof of a read: member \"%s\" is missing", members[i]);
	return check_proved_read(proof, fault);
}

bool
lpr_read_proof_holds(const LprReadProof *proof, LprFault *fault)
{
	LprDigest details = proof->digest, leaf = proof->digest;
	LprText scratch = {0};
	bool good = true;

	if (proof->version == 1 && proof->shown != LPR_READ_LEAF)
		good = lpr_read_leaf_1(&proof->read, &scratch, &leaf);
	else if (proof->version != 1)
		good =
			(proof->shown == LPR_READ_NO_DETAILS || lpr_read_details(&proof->read, proof->salt, &scratch, &details)) &&
			lpr_read_leaf(&proof->read, &details, &scratch, &leaf);
	lpr_text_free(&scratch);
	if (!good)
		return lpr_fault(fault, LPR_STATE_NO_MEMORY, "out of memory");
	if (proof->place < 0 || proof->reads < 0 ||
		!lpr_inclusion_holds((uint64_t) proof->place, (uint64_t) proof->reads, &leaf, &proof->root, &proof->path))
		return lpr_fault(fault, STATE_BAD_READ,
						 "the read, its place and its path do not lead to the root: one of them was changed");
	return true;
}

bool
lpr_answer_digest_read(LprSlice payload, LprAnswerDigest *digest)
{
	bool reads = false, version = false, root = false;
	LprSlice name;

	*digest = (LprAnswerDigest){.version = 1};
	if (payload.data == NULL || !lpr_object_take(&payload, '{'))
		return false;
	do
	{
		bool *seen, good;

		if (!lpr_object_name(&payload, &name))
			return false;
		if (lpr_object_is(name, "reads"))
			seen = &reads, good = lpr_object_integer(&payload, &digest->reads);
		else if (lpr_object_is(name, "digest_version"))
			seen = &version, good = lpr_object_integer(&payload, &digest->version);
		else if (lpr_object_is(name, "digest"))
			seen = &root, good = lpr_object_hex(&payload, digest->root.bytes, LPR_DIGEST_LEN);
		else if (lpr_object_skip(&payload))
			continue;
		else
			return false;
		if (*seen || !good)
			return false;
		*seen = true;
	} while (lpr_object_take(&payload, ','));
	return lpr_object_take(&payload, '}') && lpr_object_end(&payload) && reads && root;
}
