/*
 * note_key.c: keys of signed notes, signatures and co-signatures: Ed25519 by OpenSSL's libcrypto.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/base64.h"
#include "format/note_internal.h"

#define KEY_LEN       32
#define SIGNATURE_LEN 64

/* Types of keys, as they enter the key's id (C2SP signed-note). */
#define TYPE_ED25519     0x01
#define TYPE_COSIGNATURE 0x04

struct LprSigner
{
	EVP_PKEY *key;
	uint8_t public_key[KEY_LEN];
	char name[LPR_KEY_NAME_MAX + 1];
};

struct LprVerifier
{
	EVP_PKEY *key;
	uint8_t type;
	uint8_t id[LPR_KEY_ID_LEN];
	char name[LPR_KEY_NAME_MAX + 1];
};

static void
key_id(const char *name, uint8_t type, const uint8_t public_key[KEY_LEN], uint8_t id[LPR_KEY_ID_LEN])
{
	LprDigest digest;
	LprHash hash;

	lpr_hash_start(&hash);
	lpr_hash_add(&hash, name, strlen(name));
	lpr_hash_add(&hash, "\n", 1);
	lpr_hash_add(&hash, &type, 1);
	lpr_hash_add(&hash, public_key, KEY_LEN);
	lpr_hash_end(&hash, &digest);
	memcpy(id, digest.bytes, LPR_KEY_ID_LEN);
}

/* Instead of OpenSSL's question on the terminal. */
static int
no_passphrase(char *buffer, int size, int writing, void *asked)
{
	(void) buffer;
	(void) size;
	(void) writing;
	*(bool *) asked = true;
	return -1;
}

static EVP_PKEY *
read_pem(LprSlice pem, LprFault *fault)
{
	BIO *bio = pem.data != NULL && pem.len <= LPR_NOTE_MAX ? BIO_new_mem_buf(pem.data, (int) pem.len) : NULL;
	bool asked = false;
	EVP_PKEY *key = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, &asked);

	BIO_free(bio);
	ERR_clear_error();
	if (key != NULL && EVP_PKEY_get_id(key) == EVP_PKEY_ED25519)
		return key;
	if (asked)
		lpr_fault(fault, LPR_STATE_BAD_KEY, "the private key is encrypted");
	else if (key != NULL)
		lpr_fault(fault, LPR_STATE_BAD_KEY, "the private key is not of type Ed25519");
	else
		lpr_fault(fault, LPR_STATE_BAD_KEY, "not a private key in PEM form");
	lpr_fault_hint(fault, "Make one with: openssl genpkey -algorithm ed25519");
	EVP_PKEY_free(key);
	return NULL;
}

LprSigner *
lpr_signer_read(const char *name, LprSlice pem, LprFault *fault)
{
	LprSigner *signer;
	size_t len = KEY_LEN;

	if (!lpr_key_name_ok((LprSlice){name, strlen(name)}))
	{
		lpr_fault(fault, LPR_STATE_BAD_KEY, "bad name of a key");
		lpr_fault_hint(fault, "A name has 1 to %d printable ASCII characters, no blank and no plus.", LPR_KEY_NAME_MAX);
		return NULL;
	}
	signer = calloc(1, sizeof(*signer));
	if (signer == NULL)
	{
		lpr_fault(fault, LPR_STATE_NO_MEMORY, "out of memory");
		return NULL;
	}
	strcpy(signer->name, name);
	signer->key = read_pem(pem, fault);
	if (signer->key == NULL)
	{
		free(signer);
		return NULL;
	}
	if (EVP_PKEY_get_raw_public_key(signer->key, signer->public_key, &len) != 1 || len != KEY_LEN)
	{
		ERR_clear_error();
		lpr_fault(fault, LPR_STATE_BAD_KEY, "the private key has no public key");
		lpr_signer_free(signer);
		return NULL;
	}
	return signer;
}

void
lpr_signer_free(LprSigner *signer)
{
	if (signer == NULL)
		return;
	EVP_PKEY_free(signer->key); /* wipes it */
	free(signer);
}

bool
lpr_signer_public(const LprSigner *signer, bool cosigner, LprText *out)
{
	uint8_t key[1 + KEY_LEN] = {cosigner ? TYPE_COSIGNATURE : TYPE_ED25519};
	uint8_t id[LPR_KEY_ID_LEN];
	char hex[2 * LPR_KEY_ID_LEN + 1];

	memcpy(key + 1, signer->public_key, KEY_LEN);
	key_id(signer->name, key[0], signer->public_key, id);
	lpr_hex(id, LPR_KEY_ID_LEN, hex);
	lpr_text_printf(out, "%s+%s+", signer->name, hex);
	lpr_base64_add(out, key, sizeof(key));
	return !out->failed;
}

/* Appends the signature line over message; stamp, if any, stands between key id and signature. */
static bool
sign(const LprSigner *signer, uint8_t type, LprSlice message, LprSlice stamp, bool first, LprText *note,
	 LprFault *fault)
{
	uint8_t blob[LPR_KEY_ID_LEN + 8 + SIGNATURE_LEN];
	size_t len = SIGNATURE_LEN, before = LPR_KEY_ID_LEN + stamp.len;
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool good;

	key_id(signer->name, type, signer->public_key, blob);
	if (stamp.len > 0)
		memcpy(blob + LPR_KEY_ID_LEN, stamp.data, stamp.len);
	good = context != NULL && EVP_DigestSignInit(context, NULL, NULL, NULL, signer->key) == 1 &&
		   EVP_DigestSign(context, blob + before, &len, (const uint8_t *) message.data, message.len) == 1 &&
		   len == SIGNATURE_LEN;
	EVP_MD_CTX_free(context);
	if (!good)
	{
		ERR_clear_error();
		return lpr_fault(fault, LPR_STATE_NO_MEMORY, "the note could not be signed");
	}
	lpr_text_printf(note, "%s" LPR_NOTE_DASH "%s ", first ? "\n" : "", signer->name);
	lpr_base64_add(note, blob, before + SIGNATURE_LEN);
	lpr_text_adds(note, "\n");
	return note->failed ? lpr_fault(fault, LPR_STATE_NO_MEMORY, "out of memory") : true;
}

bool
lpr_note_sign(const LprSigner *signer, LprText *note, LprFault *fault)
{
	LprNote parts;

	if (note->failed || !lpr_note_split((LprSlice){note->data, note->len}, &parts))
		return lpr_fault(fault, LPR_STATE_BAD_NOTE, "not the text of a note");
	return sign(signer, TYPE_ED25519, parts.text, (LprSlice){NULL, 0}, parts.signatures.len == 0, note, fault);
}

/* What a co-signature signs: two lines of its own, then the note's text. */
static void
cosigned_message(LprSlice text, uint64_t seconds, LprText *message)
{
	lpr_text_printf(message, "cosignature/v1\ntime %" PRIu64 "\n", seconds);
	lpr_text_append(message, text.data, text.len);
}

bool
lpr_note_cosign(const LprSigner *signer, int64_t unix_seconds, LprText *note, LprFault *fault)
{
	LprText message = {0};
	char stamp[8];
	LprNote parts;
	bool good;

	if (note->failed || !lpr_note_split((LprSlice){note->data, note->len}, &parts) || parts.signatures.len == 0)
		return lpr_fault(fault, LPR_STATE_BAD_NOTE, "not a signed note");
	if (unix_seconds < 0)
		return lpr_fault(fault, LPR_STATE_BAD_NOTE, "a co-signature cannot be older than 1970");
	for (int i = 0; i < 8; i++)
		stamp[i] = (char) ((uint64_t) unix_seconds >> (56 - 8 * i));
	cosigned_message(parts.text, (uint64_t) unix_seconds, &message);
	good = message.failed ? lpr_fault(fault, LPR_STATE_NO_MEMORY, "out of memory")
						  : sign(signer, TYPE_COSIGNATURE, (LprSlice){message.data, message.len},
								 (LprSlice){stamp, sizeof(stamp)}, false, note, fault);
	lpr_text_free(&message);
	return good;
}

LprVerifier *
lpr_verifier_read(LprSlice public_key, LprFault *fault)
{
	const char *plus = public_key.data == NULL ? NULL : memchr(public_key.data, '+', public_key.len);
	LprSlice name = {public_key.data, plus == NULL ? 0 : (size_t) (plus - public_key.data)};
	LprVerifier *verifier = NULL;
	uint8_t key[1 + KEY_LEN], id[LPR_KEY_ID_LEN];
	LprSlice hex, base64;
	size_t len;

	if (plus == NULL || !lpr_key_name_ok(name) || public_key.len - name.len < 1 + 2 * LPR_KEY_ID_LEN + 1)
		goto bad;
	hex = (LprSlice){plus + 1, 2 * LPR_KEY_ID_LEN};
	base64 = (LprSlice){hex.data + hex.len + 1, public_key.len - name.len - hex.len - 2};
	if (hex.data[hex.len] != '+' || !lpr_unhex(hex, id, LPR_KEY_ID_LEN) ||
		!lpr_unbase64(base64, key, sizeof(key), &len) || len != sizeof(key))
		goto bad;
	if (key[0] != TYPE_ED25519 && key[0] != TYPE_COSIGNATURE)
	{
		lpr_fault(fault, LPR_STATE_BAD_KEY, "the public key is of type 0x%02x, not of one we know", key[0]);
		lpr_fault_hint(fault, "Types are 0x01 (Ed25519) and 0x04 (co-signature/v1 by Ed25519).");
		return NULL;
	}
	verifier = calloc(1, sizeof(*verifier));
	if (verifier == NULL)
	{
		lpr_fault(fault, LPR_STATE_NO_MEMORY, "out of memory");
		return NULL;
	}
	memcpy(verifier->name, name.data, name.len);
	verifier->type = key[0];
	key_id(verifier->name, key[0], key + 1, verifier->id);
	verifier->key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key + 1, KEY_LEN);
	ERR_clear_error();
	if (verifier->key != NULL && memcmp(verifier->id, id, LPR_KEY_ID_LEN) == 0)
		return verifier;
	lpr_verifier_free(verifier);
	lpr_fault(fault, LPR_STATE_BAD_KEY, "the public key does not match its id");
	return NULL;

bad:
	lpr_fault(fault, LPR_STATE_BAD_KEY, "not a public key");
	lpr_fault_hint(fault, "A public key has the form <name>+<8 hex digits>+<base64>.");
	return NULL;
}

void
lpr_verifier_free(LprVerifier *verifier)
{
	if (verifier == NULL)
		return;
	EVP_PKEY_free(verifier->key);
	free(verifier);
}

const char *
lpr_verifier_name(const LprVerifier *verifier)
{
	return verifier->name;
}

static bool
signature_holds(const LprVerifier *verifier, LprSlice text, const uint8_t *blob, size_t len, int64_t *stamp)
{
	EVP_MD_CTX *context;
	LprText message = {0};
	uint64_t seconds = 0;
	bool good;

	if (verifier->type == TYPE_COSIGNATURE)
	{
		if (len != 8 + SIGNATURE_LEN)
			return false;
		for (int i = 0; i < 8; i++)
			seconds = seconds << 8 | *blob++;
		if (seconds > INT64_MAX)
			return false;
		cosigned_message(text, seconds, &message);
		text = (LprSlice){message.data, message.len};
	}
	else if (len != SIGNATURE_LEN)
		return false;
	*stamp = (int64_t) seconds;
	context = EVP_MD_CTX_new();
	good = !message.failed && context != NULL && EVP_DigestVerifyInit(context, NULL, NULL, NULL, verifier->key) == 1 &&
		   EVP_DigestVerify(context, blob, SIGNATURE_LEN, (const uint8_t *) text.data, text.len) == 1;
	EVP_MD_CTX_free(context);
	ERR_clear_error();
	lpr_text_free(&message);
	return good;
}

bool
lpr_note_verify(const LprVerifier *verifier, LprSlice note, int64_t *cosigned_at)
{
	LprSlice line, name, base64;
	bool found = false;
	int64_t stamp, newest = 0;
	LprNote parts;

	if (!lpr_note_split(note, &parts))
		return false;
	while (lpr_note_line(&parts.signatures, &line))
	{
		uint8_t blob[LPR_KEY_ID_LEN + 8 + SIGNATURE_LEN];
		size_t len;

		/* Signatures of others do not matter here, of any kind. */
		if (!lpr_note_signature(line, &name, &base64) || name.len != strlen(verifier->name) ||
			memcmp(name.data, verifier->name, name.len) != 0)
			continue;
		if (!lpr_unbase64(base64, blob, sizeof(blob), &len))
			continue; /* too long to be ours */
		if (memcmp(blob, verifier->id, LPR_KEY_ID_LEN) != 0)
			continue;
		/* One that names our key and is not its signature spoils the note, as C2SP has it. */
		if (!signature_holds(verifier, parts.text, blob + LPR_KEY_ID_LEN, len - LPR_KEY_ID_LEN, &stamp))
			return false;
		if (!found || stamp > newest)
			newest = stamp;
		found = true;
	}
	if (found && cosigned_at != NULL)
		*cosigned_at = newest;
	return found;
}
