/*
 * witness.c: takes the checkpoints newer than its last one, in order, and co-signs the newest. Whatever does not
 * continue its last one is refused, and then nothing is changed.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "checkpoints.h"
#include "file.h"
#include "witness.h"

typedef struct Witness
{
	const LprVerifier *log;
	LprVerifier *own; /* for what we co-signed before */
	bool has_last;
	LprCheckpoint last;
	int64_t last_stamp; /* when it was co-signed, seconds since 1970 */
	uint64_t taken;     /* checkpoints that continue it */
	LprText note;       /* of the newest of them */
} Witness;

__attribute__((format(printf, 1, 2))) static int
refuse_to_cosign(const char *format, ...)
{
	va_list args;

	fputs("REFUSED: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputs("\nNothing was co-signed. Keep the checkpoints at hand: they are the evidence.\n", stderr);
	return 1;
}

__attribute__((format(printf, 1, 2))) static int
unusable(const char *format, ...)
{
	va_list args;

	fputs("lpr-audit-verify witness: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return 2;
}

/* Our last one: the largest in the state directory, with both signatures in order. */
static int
read_state(Witness *witness, const char *state)
{
	Checkpoints kept = {0};
	LprSubmission submission;
	LprText text = {0};
	LprFault fault;
	bool readable;
	int result = 0;

	if (!checkpoints_add(&kept, state, &fault))
		result = unusable("%s", fault.message);
	else if (kept.nfiles > 0)
	{
		const char *path;

		checkpoints_sort(&kept);
		path = kept.files[kept.nfiles - 1].path;
		if (!checkpoint_file_read(path, &text, &submission, &witness->last, &readable, &fault))
			result = unusable("the state \"%s\" is damaged: %s", path, fault.message);
		else if (!lpr_note_verify(witness->log, submission.note, NULL))
			result = unusable(
				"the state \"%s\" is not signed by the log's key: the wrong --log-key, or the wrong --state", path);
		else if (!lpr_note_verify(witness->own, submission.note, &witness->last_stamp))
			result = unusable(
				"the state \"%s\" is not co-signed by us: the wrong --key or --name, or the wrong --state", path);
		witness->has_last = result == 0;
	}
	lpr_text_free(&text);
	checkpoints_free(&kept);
	return result;
}

/* One of the log's files, in the order of their sizes. */
static int
take_checkpoint(Witness *witness, const CheckpointFile *file)
{
	const LprCheckpoint *last = &witness->last;
	LprSubmission submission;
	LprCheckpoint checkpoint;
	LprText text = {0};
	LprFault fault;
	bool readable;
	int result = 0;

	if (!checkpoint_file_read(file->path, &text, &submission, &checkpoint, &readable, &fault))
		result = readable ? refuse_to_cosign("\"%s\": %s", file->path, fault.message) : unusable("%s", fault.message);
	else if (!lpr_note_verify(witness->log, submission.note, NULL))
		result = refuse_to_cosign("\"%s\" is not signed by the log's key", file->path);
	else if (strcmp(checkpoint.origin, lpr_verifier_name(witness->log)) != 0)
		result = refuse_to_cosign("\"%s\" is of another log: %s", file->path, checkpoint.origin);
	else if (checkpoint.size != file->size)
		result = refuse_to_cosign("\"%s\" holds the checkpoint of size %s", file->path,
								  number_text((int64_t) checkpoint.size));
	else if (!witness->has_last)
	{
		if (submission.old != 0 || submission.plain)
			printf("checkpoint %s is the first we see: taken on trust\n", number_text((int64_t) checkpoint.size));
	}
	else if (checkpoint.size == last->size)
	{
		if (!lpr_digest_same(&checkpoint.root, &last->root) || !lpr_digest_same(&checkpoint.head, &last->head))
			result = refuse_to_cosign("fork: checkpoint %s is not the one that we know",
									  number_text((int64_t) checkpoint.size));
	}
	else if (submission.plain)
		result = refuse_to_cosign("\"%s\" holds no proof", file->path);
	else if (submission.old != last->size)
		result = refuse_to_cosign(
			"checkpoint %s continues checkpoint %s, not the one that we know, %s: a fork, or one is missing",
			number_text((int64_t) checkpoint.size), number_text((int64_t) submission.old),
			number_text((int64_t) last->size));
	else if (!lpr_consistency_holds(last->size, &last->root, checkpoint.size, &checkpoint.root, &submission.proof))
		result = refuse_to_cosign("fork: checkpoint %s does not continue checkpoint %s, its proof does not hold",
								  number_text((int64_t) checkpoint.size), number_text((int64_t) last->size));
	if (result == 0 && (!witness->has_last || checkpoint.size > last->size))
	{
		witness->has_last = true;
		witness->last = checkpoint;
		witness->taken++;
		witness->note.len = 0;
		lpr_text_append(&witness->note, submission.note.data, submission.note.len);
	}
	lpr_text_free(&text);
	return result;
}

/* The newest, co-signed, into the state directory. */
static int
keep(Witness *witness, const LprSigner *signer, const char *state)
{
	int64_t now = time(NULL);
	char name[64];
	LprFault fault;

	/* A co-signature says "as of this time, this is the newest": times that go back would say the contrary. */
	if (now < witness->last_stamp)
		return unusable("the clock stands before our last co-signature; set it right first");
	snprintf(name, sizeof(name), "%020" PRIu64 LPR_SUBMISSION_ENDING, witness->last.size);
	if (!lpr_note_cosign(signer, now, &witness->note, &fault) ||
		!file_write(state, name, (LprSlice){witness->note.data, witness->note.len}, &fault))
		return unusable("%s", fault.message);
	printf("co-signed checkpoint %s (%s new), kept as %s/%s\n", number_text((int64_t) witness->last.size),
		   number_text((int64_t) witness->taken), state, name);
	return 0;
}

static int
run_witness(Witness *witness, const LprSigner *signer, const char *state, const char *directory)
{
	Checkpoints offered = {0};
	uint64_t known, largest = 0;
	LprFault fault;
	int result = read_state(witness, state);

	known = witness->has_last ? witness->last.size : 0;
	if (result == 0 && !checkpoints_add(&offered, directory, &fault))
		result = unusable("%s", fault.message);
	checkpoints_sort(&offered);
	if (offered.nfiles > 0)
		largest = offered.files[offered.nfiles - 1].size;
	if (result == 0 && witness->has_last && largest < known)
		result = refuse_to_cosign("rollback: the newest checkpoint is %s, and we know %s",
								  number_text((int64_t) largest), number_text((int64_t) known));
	for (int i = 0; result == 0 && i < offered.nfiles; i++)
		if (!witness->has_last || offered.files[i].size >= known)
			result = take_checkpoint(witness, &offered.files[i]);
	if (result == 0 && witness->taken > 0)
		result = keep(witness, signer, state);
	else if (result == 0 && witness->has_last)
		printf("nothing new: checkpoint %s is the newest\n", number_text((int64_t) known));
	else if (result == 0)
		puts("no checkpoint yet");
	checkpoints_free(&offered);
	return result;
}

int
witness_run(const LprVerifier *log, const LprSigner *signer, const char *state, const char *directory)
{
	int lock = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC), result;
	Witness witness = {.log = log};
	LprText public_key = {0};
	struct stat status;
	LprFault fault;

	if (lock < 0)
		return unusable("cannot open the state directory \"%s\": %s", state, strerror(errno));
	if (stat(directory, &status) == 0 && !S_ISDIR(status.st_mode))
		result = unusable("\"%s\" is not a directory of checkpoints", directory);
	else if (flock(lock, LOCK_EX | LOCK_NB) != 0)
		result = unusable("another witness is at work in \"%s\"", state);
	else if (!lpr_signer_public(signer, true, &public_key) ||
			 (witness.own = lpr_verifier_read((LprSlice){public_key.data, public_key.len}, &fault)) == NULL)
		result = unusable("out of memory");
	else
		result = run_witness(&witness, signer, state, directory);
	lpr_verifier_free(witness.own);
	lpr_text_free(&witness.note);
	lpr_text_free(&public_key);
	close(lock);
	return result;
}
