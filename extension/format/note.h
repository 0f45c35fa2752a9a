/*
 * note.h: checkpoints of the log as signed notes in the form of transparency logs (C2SP tlog-checkpoint, signed-note,
 * tlog-cosignature), so that existing witnesses can co-sign them. Ed25519 by OpenSSL's libcrypto.
 */
#ifndef LPR_NOTE_H
#define LPR_NOTE_H

#include "format/record.h"

/* "lpr-audit/" and the log's id in hex: origin of its checkpoints and name of its key. */
#define LPR_ORIGIN_ROOM 64

typedef struct LprCheckpoint
{
	char origin[LPR_ORIGIN_ROOM];
	uint64_t size;  /* records covered */
	LprDigest root; /* of the tree over them */
	LprDigest head; /* chain digest of the last of them */
	int64_t at;     /* when it was made, microseconds since 2000-01-01 UTC */
} LprCheckpoint;

extern void lpr_origin(const uint8_t log[LPR_LOG_ID_LEN], char origin[LPR_ORIGIN_ROOM]);

/*
 * The note's text: origin, size, root in base64, then the lines "head <base64>" and "at <microseconds>"; ends in a
 * newline.
 */
extern void lpr_checkpoint_write(const LprCheckpoint *checkpoint, LprText *out);
/* Takes the text of a note, signed or not; unknown further lines are allowed. */
extern bool lpr_checkpoint_read(LprSlice note, LprCheckpoint *checkpoint, LprFault *fault);

/* A private key with the name under which it signs. malloc; keys are wiped when freed. */
typedef struct LprSigner LprSigner;
/* pem: PKCS#8, as `openssl genpkey -algorithm ed25519` writes it. */
extern LprSigner *lpr_signer_read(const char *name, LprSlice pem, LprFault *fault);
extern void lpr_signer_free(LprSigner *signer);
/* "<name>+<key id>+<base64>": what others need to verify. For co-signers the key's type is that of cosignature/v1. */
extern bool lpr_signer_public(const LprSigner *signer, bool cosigner, LprText *out);

/* Signs a note's text (appends the blank line and the signature line), or adds one more signature to a signed note. */
extern bool lpr_note_sign(const LprSigner *signer, LprText *note, LprFault *fault);
/* Adds a co-signature (cosignature/v1) of this second since 1970. */
extern bool lpr_note_cosign(const LprSigner *signer, int64_t unix_seconds, LprText *note, LprFault *fault);

/* A public key. malloc. */
typedef struct LprVerifier LprVerifier;
extern LprVerifier *lpr_verifier_read(LprSlice public_key, LprFault *fault);
extern void lpr_verifier_free(LprVerifier *verifier);
extern const char *lpr_verifier_name(const LprVerifier *verifier);
/*
 * Whether the note carries a valid signature (or co-signature, by the key's type) of that key; *cosigned_at may be
 * NULL.
 */
extern bool lpr_note_verify(const LprVerifier *verifier, LprSlice note, int64_t *cosigned_at);

#endif
