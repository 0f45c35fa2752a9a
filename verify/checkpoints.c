/*
 * checkpoints.c: checkpoints of directories and files: signatures, order, proofs.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "checkpoints.h"
#include "file.h"

#define NAME_DIGITS 20

/* Room for one more in an array of count elements. */
static bool
grow(void **array, int count, size_t element, LprFault *fault)
{
	void *larger;

	if (count & (count - 1))
		return true; /* it doubles at powers of two */
	larger = realloc(*array, (count ? (size_t) count * 2 : 1) * element);
	if (larger == NULL)
		return lpr_fault(fault, LPR_STATE_NO_MEMORY, "out of memory");
	*array = larger;
	return true;
}

static bool
add_file(Checkpoints *checkpoints, uint64_t size, bool named, const char *directory, const char *name, LprFault *fault)
{
	LprText path = {0};

	lpr_text_printf(&path, "%s%s%s", directory, directory[0] ? "/" : "", name);
	if (path.failed || !grow((void **) &checkpoints->files, checkpoints->nfiles, sizeof(CheckpointFile), fault))
		return lpr_fault(fault, LPR_STATE_NO_MEMORY, "out of memory");
	checkpoints->files[checkpoints->nfiles++] = (CheckpointFile){size, named, path.data};
	return true;
}

/* "<20 digits>.checkpoint" */
static bool
read_name(const char *name, uint64_t *size)
{
	if (strlen(name) != NAME_DIGITS + strlen(LPR_SUBMISSION_ENDING) ||
		strcmp(name + NAME_DIGITS, LPR_SUBMISSION_ENDING) != 0 || strspn(name, "0123456789") != NAME_DIGITS)
		return false;
	errno = 0;
	*size = strtoull(name, NULL, 10);
	return errno == 0;
}

bool
checkpoint_file_read(const char *path, LprText *text, LprSubmission *submission, LprCheckpoint *checkpoint,
					 bool *readable, LprFault *fault)
{
	*readable = file_read(path, text, fault);
	return *readable && lpr_submission_read((LprSlice){text->data, text->len}, submission, fault) &&
		   lpr_checkpoint_read(submission->note, checkpoint, fault);
}

bool
checkpoints_add(Checkpoints *checkpoints, const char *path, LprFault *fault)
{
	LprSubmission submission;
	LprCheckpoint checkpoint;
	LprText text = {0};
	struct stat status;
	struct dirent *entry;
	bool good = true, readable;
	uint64_t size;
	DIR *directory;

	if (stat(path, &status) != 0)
		return lpr_fault(fault, "58030", "cannot open \"%s\": %s", path, strerror(errno));
	if (!S_ISDIR(status.st_mode))
	{
		/* What is not well-formed becomes a finding when it is read again. */
		good = checkpoint_file_read(path, &text, &submission, &checkpoint, &readable, fault);
		lpr_text_free(&text);
		return readable && add_file(checkpoints, good ? checkpoint.size : 0, false, "", path, fault);
	}
	directory = opendir(path);
	if (directory == NULL)
		return lpr_fault(fault, "58030", "cannot open \"%s\": %s", path, strerror(errno));
	while (good && (entry = readdir(directory)) != NULL)
		if (read_name(entry->d_name, &size))
			good = add_file(checkpoints, size, true, path, entry->d_name, fault);
	closedir(directory);
	return good;
}

static int
by_size(const void *a, const void *b)
{
	const CheckpointFile *one = a, *other = b;

	if (one->size != other->size)
		return one->size < other->size ? -1 : 1;
	return strcmp(one->path, other->path);
}

void
checkpoints_sort(Checkpoints *checkpoints)
{
	if (checkpoints->nfiles > 0)
		qsort(checkpoints->files, (size_t) checkpoints->nfiles, sizeof(CheckpointFile), by_size);
}

const Checkpoint *
checkpoints_find(const Checkpoints *checkpoints, uint64_t size)
{
	int low = 0, high = checkpoints->count;

	while (low < high)
	{
		int middle = low + (high - low) / 2;

		if (checkpoints->list[middle].size < size)
			low = middle + 1;
		else
			high = middle;
	}
	return low < checkpoints->count && checkpoints->list[low].size == size ? &checkpoints->list[low] : NULL;
}

/* The proof in a file holds between the checkpoint it names and its own. */
static bool
check_proof(Checkpoints *checkpoints, const LprSubmission *submission, const LprCheckpoint *checkpoint, bool named,
			Findings *findings, LprFault *fault)
{
	int64_t size = (int64_t) checkpoint->size;
	const Checkpoint *old = checkpoints_find(checkpoints, submission->old);
	const Checkpoint *before = checkpoints->count > 0 ? &checkpoints->list[checkpoints->count - 1] : NULL;

	if (submission->plain)
		return true;
	if (submission->old > checkpoint->size || (submission->old == 0 && submission->proof.count > 0))
		finding(findings, size, "checkpoint %s: its file claims a proof that cannot be", number_text(size));
	else if (submission->old == 0)
	{
		if (before != NULL && before->size < checkpoint->size)
			finding(findings, size, "checkpoint %s: it begins anew, although checkpoint %s came before",
					number_text(size), number_text((int64_t) before->size));
	}
	else if (old == NULL)
	{
		if (named)
		{
			if (!grow((void **) &checkpoints->missing, checkpoints->nmissing, sizeof(*checkpoints->missing), fault))
				return false;
			checkpoints->missing[checkpoints->nmissing++] =
				(struct MissingCheckpoint){submission->old, checkpoint->size};
		}
	}
	else if (!lpr_consistency_holds(old->size, &old->root, checkpoint->size, &checkpoint->root, &submission->proof))
		finding(findings, size, "checkpoint %s: its proof does not hold, it is no continuation of checkpoint %s",
				number_text(size), number_text((int64_t) old->size));
	return true;
}

/* Takes one that is signed and of this log. */
static bool
take_into_list(Checkpoints *checkpoints, const LprCheckpoint *checkpoint, bool cosigned, Findings *findings,
			   LprFault *fault)
{
	Checkpoint *last = checkpoints->count > 0 ? &checkpoints->list[checkpoints->count - 1] : NULL;

	if (last != NULL && last->size == checkpoint->size)
	{
		if (!lpr_digest_same(&last->root, &checkpoint->root) || !lpr_digest_same(&last->head, &checkpoint->head))
			finding(findings, (int64_t) checkpoint->size,
					"checkpoint %s: there are two of this size that differ, both signed: the log was rewritten",
					number_text((int64_t) checkpoint->size));
		else
			last->cosigned = last->cosigned || cosigned;
		return true;
	}
	if (!grow((void **) &checkpoints->list, checkpoints->count, sizeof(Checkpoint), fault))
		return false;
	checkpoints->list[checkpoints->count++] =
		(Checkpoint){checkpoint->size, checkpoint->root, checkpoint->head, cosigned};
	return true;
}

bool
checkpoints_load(Checkpoints *checkpoints, const LprVerifier *log, const char *origin, LprVerifier *const *witnesses,
				 int nwitnesses, Findings *findings, LprFault *fault)
{
	bool good = true;
	int others = 0;
	char other[LPR_ORIGIN_ROOM] = "";

	checkpoints_sort(checkpoints);
	for (int i = 0; good && i < checkpoints->nfiles; i++)
	{
		const CheckpointFile *file = &checkpoints->files[i];
		char shown[LPR_EXCERPT_ROOM];
		LprSubmission submission;
		LprCheckpoint checkpoint;
		LprText text = {0};
		bool readable, cosigned = false;

		lpr_excerpt(file->path, strlen(file->path), shown);
		if (!checkpoint_file_read(file->path, &text, &submission, &checkpoint, &readable, fault))
		{
			good = readable;
			if (readable)
				finding(findings, (int64_t) file->size, "checkpoint file \"%s\": %s", shown, fault->message);
		}
		else if (!lpr_note_verify(log, submission.note, NULL))
			finding(findings, (int64_t) file->size, "checkpoint file \"%s\": not signed by the log's key", shown);
		else if (strcmp(checkpoint.origin, origin) != 0)
		{
			if (others++ == 0)
				memcpy(other, checkpoint.origin, sizeof(other));
		}
		else if (checkpoint.size != file->size)
			finding(findings, (int64_t) file->size, "checkpoint file \"%s\": it holds the checkpoint of size %s", shown,
					number_text((int64_t) checkpoint.size));
		else
		{
			for (int j = 0; j < nwitnesses; j++)
				cosigned = cosigned || lpr_note_verify(witnesses[j], submission.note, NULL);
			/* The proof first: a checkpoint is no witness of its own past. */
			good = check_proof(checkpoints, &submission, &checkpoint, file->named, findings, fault) &&
				   take_into_list(checkpoints, &checkpoint, cosigned, findings, fault);
		}
		lpr_text_free(&text);
	}
	if (good && others > 0)
		finding(findings, 0, "%s of the checkpoints belong to another log (%s): a forged restart?", number_text(others),
				other);
	return good;
}

void
checkpoints_free(Checkpoints *checkpoints)
{
	for (int i = 0; i < checkpoints->nfiles; i++)
		free(checkpoints->files[i].path);
	free(checkpoints->files);
	free(checkpoints->list);
	free(checkpoints->missing);
	memset(checkpoints, 0, sizeof(*checkpoints));
}
