/*
 * note_test.c: checkpoints and signed notes: the example of golang.org/x/mod/sumdb/note, vectors made with openssl's
 * command line, and what must not pass.
 */
#include <stdlib.h>

#include "format/note.h"
#include "tap.h"

/* The private key behind Go's example, in PEM. */
#define PETER_PEM                                                                                                      \
	"-----BEGIN PRIVATE KEY-----\n"                                                                                    \
	"MC4CAQAwBQYDK2VwBCIEIIEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz\n"                                               \
	"-----END PRIVATE KEY-----\n"
#define PETER_KEY "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
#define PETER_TEXT                                                                                                     \
	"If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
#define PETER_LINE                                                                                                     \
	"— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
#define ENOCH_KEY "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
#define ENOCH_LINE                                                                                                     \
	"— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"

#define ORIGIN "lpr-audit/00112233445566778899aabbccddeeff"
#define CHECKPOINT                                                                                                     \
	ORIGIN "\n3\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"                                                       \
		   "head ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=\nat 800000000000000\n"
#define LOG_KEY ORIGIN "+8e0919db+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
#define LOG_LINE                                                                                                       \
	"— " ORIGIN " jgkZ2/LXSjH2VFoUkEj9l9MHwsUC7E3TDXyB3SsdPvAl1YG0IR5Hp41PDSLOFBIluOPNgsdFmVybFnNN17/Yze1+HAk=\n"
#define WITNESS_KEY "witness.example/w1+cc9a7044+BBpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
#define WITNESS_LINE                                                                                                   \
	"— witness.example/w1 "                                                                                          \
	"zJpwRAAAAABqsTuA/WPFUv2goun0HO1spVOyGu4BWiTjTr8IDQZvhi1eEeDqwSyVIqyijV4H2FboNplTharWhSq12kLX1z2s3YoFCA==\n"
#define SIGNED CHECKPOINT "\n" LOG_LINE

static LprFault fault;

static LprSlice
slice(const char *text)
{
	return (LprSlice){text, strlen(text)};
}

/* In a block of its very size, so that the sanitizers see a step beyond. */
static bool
verifies_bytes(const char *key, const char *note, size_t len, int64_t *stamp)
{
	LprVerifier *verifier = lpr_verifier_read(slice(key), &fault);
	char *copy = malloc(len + 1);
	bool good;

	memcpy(copy, note, len);
	copy = realloc(copy, len ? len : 1);
	good = verifier != NULL && lpr_note_verify(verifier, (LprSlice){copy, len}, stamp);
	lpr_verifier_free(verifier);
	free(copy);
	return good;
}

static bool
verifies(const char *key, const char *note)
{
	return verifies_bytes(key, note, strlen(note), NULL);
}

static bool
reads(const char *note)
{
	LprCheckpoint checkpoint;

	memset(&fault, 0, sizeof(fault));
	return lpr_checkpoint_read(slice(note), &checkpoint, &fault);
}

static void
test_go(void)
{
	LprSigner *signer = lpr_signer_read("PeterNeumann", slice(PETER_PEM), &fault);
	LprText text = {0};

	ok(signer != NULL, "Go's example key: %s", fault.message);
	ok(lpr_signer_public(signer, false, &text), "its public key");
	is_text(text.data, PETER_KEY, "is Go's");
	lpr_text_free(&text);
	lpr_text_adds(&text, PETER_TEXT);
	ok(lpr_note_sign(signer, &text, &fault), "signs");
	is_text(text.data, PETER_TEXT "\n" PETER_LINE, "as Go does");
	lpr_text_free(&text);

	ok(verifies(PETER_KEY, PETER_TEXT "\n" PETER_LINE), "Go's example verifies");
	ok(verifies(PETER_KEY, PETER_TEXT "\n" PETER_LINE ENOCH_LINE) &&
		   verifies(ENOCH_KEY, PETER_TEXT "\n" PETER_LINE ENOCH_LINE),
	   "with two signatures for both");
	ok(!verifies(ENOCH_KEY, PETER_TEXT "\n" PETER_LINE), "not for one who did not sign");
	lpr_text_adds(&text, PETER_TEXT "\n" ENOCH_LINE);
	ok(lpr_note_sign(signer, &text, &fault), "signs a signed note");
	is_text(text.data, PETER_TEXT "\n" ENOCH_LINE PETER_LINE, "one more line");
	lpr_text_free(&text);
	lpr_signer_free(signer);
	lpr_signer_free(NULL);
	lpr_verifier_free(NULL);
}

static void
test_checkpoint(void)
{
	static const uint8_t log[LPR_LOG_ID_LEN] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
												0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
	LprCheckpoint checkpoint = {.size = 3, .at = 800000000000000}, again;
	LprSigner *signer, *witness;
	LprText text = {0};
	int64_t stamp = 0;

	lpr_origin(log, checkpoint.origin);
	is_text(checkpoint.origin, ORIGIN, "origin");
	for (int i = 0; i < LPR_DIGEST_LEN; i++)
	{
		checkpoint.root.bytes[i] = (uint8_t) i;
		checkpoint.head.bytes[i] = (uint8_t) (32 + i);
	}
	lpr_checkpoint_write(&checkpoint, &text);
	is_text(text.data, CHECKPOINT, "text");
	signer = lpr_signer_read(ORIGIN, slice(PETER_PEM), &fault);
	witness = lpr_signer_read("witness.example/w1", slice(PETER_PEM), &fault);
	ok(lpr_note_sign(signer, &text, &fault), "signed");
	is_text(text.data, SIGNED, "as openssl signs");
	ok(lpr_note_cosign(witness, 1790000000, &text, &fault), "co-signed");
	is_text(text.data, SIGNED WITNESS_LINE, "as openssl signs");
	ok(lpr_checkpoint_read((LprSlice){text.data, text.len}, &again, &fault), "read: %s", fault.message);
	ok(strcmp(again.origin, ORIGIN) == 0 && again.size == 3 && lpr_digest_same(&again.root, &checkpoint.root) &&
		   lpr_digest_same(&again.head, &checkpoint.head) && again.at == checkpoint.at,
	   "what was written");
	ok(verifies(LOG_KEY, text.data), "the log's signature");
	ok(verifies_bytes(WITNESS_KEY, text.data, text.len, &stamp) && stamp == 1790000000, "the witness's, with its time");
	ok(!verifies(WITNESS_KEY, SIGNED), "no co-signature");
	ok(!lpr_note_cosign(witness, -1, &text, &fault), "not before 1970");
	lpr_text_free(&text);
	lpr_text_adds(&text, CHECKPOINT);
	ok(!lpr_note_cosign(witness, 1790000000, &text, &fault), "what nobody signed is not co-signed");
	lpr_text_free(&text);
	ok(lpr_signer_public(signer, false, &text), "public key of the log");
	is_text(text.data, LOG_KEY, "is its");
	lpr_text_free(&text);
	ok(lpr_signer_public(witness, true, &text), "public key of the witness");
	is_text(text.data, WITNESS_KEY, "is its");
	lpr_text_free(&text);
	lpr_signer_free(signer);
	lpr_signer_free(witness);
}

static void
test_reading(void)
{
#define ROOT "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
#define HEAD "head " ROOT
	static const char *const bad[][2] = {
		{"", "nothing"},
		{"\n", "an empty line"},
		{"o\n3\n" ROOT HEAD, "no time"},
		{"o\n3\n" ROOT "at 1\n", "no head"},
		{"o\n3\n" ROOT HEAD "at 1", "no last newline"},
		{"o\n03\n" ROOT HEAD "at 1\n", "a leading zero"},
		{"o\n+3\n" ROOT HEAD "at 1\n", "a sign"},
		{"o\n-3\n" ROOT HEAD "at 1\n", "a negative size"},
		{"o\n\n" ROOT HEAD "at 1\n", "no size"},
		{"o\n9223372036854775808\n" ROOT HEAD "at 1\n", "too large a size"},
		{"o\n99999999999999999999999\n" ROOT HEAD "at 1\n", "far too large a size"},
		{"o\n3\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==\n" HEAD "at 1\n", "a short root"},
		{"o\n3\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9=\n" HEAD "at 1\n", "a root with loose bits"},
		{"o\n3\n" ROOT HEAD HEAD "at 1\n", "two heads"},
		{"o\n3\n" ROOT HEAD "at 1\nat 1\n", "two times"},
		{"o\n3\n" ROOT HEAD "at 01\n", "a time with a leading zero"},
		{"o\n3\n" ROOT HEAD "at -0\n", "minus zero"},
		{"o\n3\n" ROOT HEAD "at \n", "an empty time"},
		{"o o\n3\n" ROOT HEAD "at 1\n", "a blank in the origin"},
		{"o\r\n3\r\n" ROOT HEAD "at 1\n", "carriage returns"},
		{"\n3\n" ROOT HEAD "at 1\n", "an empty origin"},
		{"o\n3\n" ROOT HEAD "at 1\n\n", "a blank line without signatures"},
		{"o\n3\n" ROOT HEAD "at 1\n\nx\n", "a blank line and something else"},
		{"o\n3\n" ROOT "\n" HEAD "at 1\n\n" LOG_LINE, "an empty line in the text"},
		{"0123456789012345678901234567890123456789012345678901234567890123\n3\n" ROOT HEAD "at 1\n",
		 "an origin of 64 characters"},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(!reads(bad[i][0]) && fault.message[0] != '\0', "%s: %s", bad[i][1], fault.message);
	ok(reads("o\n0\n" ROOT HEAD "at -1\n"), "an empty log before 2000");
	ok(reads("o\n9223372036854775807\n" ROOT HEAD "at 9223372036854775807\nmore of it\n"),
	   "the largest, and unknown lines");
	ok(reads("o\n3\n" ROOT "x\n" HEAD "y\nat 1\n"), "unknown lines between");
	{
		LprCheckpoint checkpoint;

		ok(!lpr_checkpoint_read((LprSlice){NULL, 0}, &checkpoint, &fault), "NULL");
		ok(!lpr_checkpoint_read((LprSlice){"o\n3\n\0\n", 6}, &checkpoint, &fault), "a zero byte");
	}
}

static void
test_tampered_notes(void)
{
	char note[sizeof(SIGNED)];
	size_t len = strlen(SIGNED);
	int passed = 0;
	LprText text = {0};

	/* Every bit of the note counts, but those of the dash and the name, which make the line somebody else's. */
	for (size_t i = 0; i < len * 8; i++)
	{
		memcpy(note, SIGNED, sizeof(note));
		note[i / 8] = (char) (note[i / 8] ^ 1 << i % 8);
		passed += verifies_bytes(LOG_KEY, note, len, NULL);
	}
	ok(passed == 0, "no changed bit passes");
	passed = 0;
	for (size_t i = 0; i < len; i++)
		passed += verifies_bytes(LOG_KEY, SIGNED, i, NULL);
	ok(passed == 0, "no beginning of it passes");
	ok(verifies(LOG_KEY, SIGNED), "the whole does");

	ok(!verifies(LOG_KEY, SIGNED "\n"), "nothing may follow: an empty line");
	ok(!verifies(LOG_KEY, SIGNED "x\n"), "nothing may follow: a word");
	ok(!verifies(LOG_KEY, SIGNED "— x\n"), "nothing may follow: half a signature");
	ok(!verifies(LOG_KEY, SIGNED "— x AAAA\n"), "nothing may follow: a signature of no bytes");
	ok(!verifies(LOG_KEY, SIGNED "— a+b AAAAAAAA\n"), "nothing may follow: a name with a plus");
	ok(verifies(LOG_KEY, SIGNED "— x AAAAAAAA\n"), "signatures of unknown kinds may");
	ok(verifies(LOG_KEY, SIGNED LOG_LINE), "the same signature twice is one");
	ok(!verifies(LOG_KEY, SIGNED
				 "— " ORIGIN
				 " jgkZ2wLXSjH2VFoUkEj9l9MHwsUC7E3TDXyB3SsdPvAl1YG0IR5Hp41PDSLOFBIluOPNgsdFmVybFnNN17/Yze1+HAk=\n"),
	   "a bad one by the same key spoils the note");
	ok(verifies(LOG_KEY, SIGNED "— " ORIGIN " AAAAAAAA\n"), "of another key of that name it does not");
	ok(!verifies(LOG_KEY, CHECKPOINT), "not signed");
	ok(!verifies(LOG_KEY, CHECKPOINT "\n" WITNESS_LINE), "only co-signed");
	ok(!verifies("witness.example/w1+a8c92c2f+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", SIGNED WITNESS_LINE),
	   "a co-signature is no signature");

	lpr_text_adds(&text, SIGNED);
	for (int i = 0; i < 99; i++)
		lpr_text_adds(&text, "— x AAAAAAAA\n");
	ok(verifies(LOG_KEY, text.data), "a hundred signatures");
	lpr_text_adds(&text, "— x AAAAAAAA\n");
	ok(!verifies(LOG_KEY, text.data), "one more is too many");
	lpr_text_free(&text);
}

static void
test_keys(void)
{
	static const char *const bad[] = {
		"",
		"+",
		"++",
		"PeterNeumann",
		"PeterNeumann+c74f20a3",
		"PeterNeumann+c74f20a3+",
		"PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
		"PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
		"Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
		"PeterNeumanN+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
		"+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
		"PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW\n",
		"PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWAAAA",
		"PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", /* of unknown type, with the right id */
	};
	LprText name = {0};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
	{
		memset(&fault, 0, sizeof(fault));
		ok(lpr_verifier_read(slice(bad[i]), &fault) == NULL && fault.message[0] != '\0', "no key: \"%.*s\": %s",
		   (int) strcspn(bad[i], "\n"), bad[i], fault.message);
	}
	ok(lpr_verifier_read((LprSlice){NULL, 0}, &fault) == NULL, "NULL");

	ok(lpr_signer_read("a b", slice(PETER_PEM), &fault) == NULL, "a name with a blank");
	ok(lpr_signer_read("", slice(PETER_PEM), &fault) == NULL, "an empty name");
	ok(lpr_signer_read("a+b", slice(PETER_PEM), &fault) == NULL, "a name with a plus");
	for (int i = 0; i < 201; i++)
		lpr_text_adds(&name, "x");
	ok(lpr_signer_read(name.data, slice(PETER_PEM), &fault) == NULL, "a long name");
	lpr_text_free(&name);
	ok(lpr_signer_read("n", slice("junk"), &fault) == NULL, "no PEM");
	has(fault.hint, "openssl genpkey -algorithm ed25519", "tells how to make one");
	ok(lpr_signer_read("n", (LprSlice){NULL, 0}, &fault) == NULL, "nothing");
	ok(lpr_signer_read("n",
					   slice("-----BEGIN PRIVATE KEY-----\n"
							 "MC4CAQAwBQYDK2VuBCIEIBC6OBZ8M8v3IkBRX45VHqXcoMo/AFF0fBlxzdJYfsZg\n"
							 "-----END PRIVATE KEY-----\n"),
					   &fault) == NULL,
	   "a key of another type");
	has(fault.message, "not of type Ed25519", "is told");
	ok(lpr_signer_read("n",
					   slice("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
							 "MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAgyDnLhmOSLMwICCAAw\n"
							 "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEHBuCPI1wIrdcfQ9kIUOUMAEQDRq\n"
							 "LVr4lBQrxwhdHHWRAqJ2WTnYDXlJZPPkWDKvgvm6BYmiW9Ps7OH6PEGuOGEfC2KV\n"
							 "6ktLDWXHM3JXQlpE6Ns=\n"
							 "-----END ENCRYPTED PRIVATE KEY-----\n"),
					   &fault) == NULL,
	   "an encrypted key");
	has(fault.message, "encrypted", "is told, and nobody is asked");
}

int
main(void)
{
	test_go();
	test_checkpoint();
	test_reading();
	test_tampered_notes();
	test_keys();
	return tap_done();
}
