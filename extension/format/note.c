/*
 * note.c: the form of checkpoints and signed notes. What is read here may come from a hostile place: one spelling for
 * everything, and limits.
 */
#include <inttypes.h>
#include <string.h>

#include "base/base64.h"
#include "format/note_internal.h"

bool
lpr_note_line(LprSlice *rest, LprSlice *line)
{
	const char *end = rest->len == 0 ? NULL : memchr(rest->data, '\n', rest->len);

	if (end == NULL)
		return false;
	*line = (LprSlice){rest->data, (size_t) (end - rest->data)};
	rest->data = end + 1;
	rest->len -= line->len + 1;
	return true;
}

/* Takes a prefix off. */
static bool
skip(LprSlice *text, const char *prefix)
{
	size_t len = strlen(prefix);

	if (text->len < len || memcmp(text->data, prefix, len) != 0)
		return false;
	text->data += len;
	text->len -= len;
	return true;
}

bool
lpr_key_name_ok(LprSlice name)
{
	if (name.len == 0 || name.len > LPR_KEY_NAME_MAX)
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (name.data[i] <= ' ' || name.data[i] >= 0x7F || name.data[i] == '+')
			return false;
	return true;
}

/* "— name base64", where the name and the base64 may be of kinds that we do not know. */
bool
lpr_note_signature(LprSlice line, LprSlice *name, LprSlice *base64)
{
	const char *blank;
	size_t len;

	if (!skip(&line, LPR_NOTE_DASH) || (blank = memchr(line.data, ' ', line.len)) == NULL || blank == line.data)
		return false;
	*name = (LprSlice){line.data, (size_t) (blank - line.data)};
	*base64 = (LprSlice){blank + 1, line.len - name->len - 1};
	return memchr(name->data, '+', name->len) == NULL && lpr_unbase64(*base64, NULL, 0, &len) && len > LPR_KEY_ID_LEN;
}

bool
lpr_note_split(LprSlice note, LprNote *parts)
{
	LprSlice rest, line, name, base64;
	size_t end = 0;
	int count = 0;

	if (note.data == NULL || note.len == 0 || note.len > LPR_NOTE_MAX || note.data[note.len - 1] != '\n')
		return false;
	for (size_t i = 0; i < note.len; i++)
	{
		unsigned char c = (unsigned char) note.data[i];

		if ((c < ' ' && c != '\n') || c == 0x7F)
			return false;
		if (c == '\n' && i > 0 && note.data[i - 1] == '\n')
			end = i; /* of the text: where the empty line is */
	}
	*parts = (LprNote){note, {note.data + note.len, 0}};
	if (end == 0)
		return true;
	rest = (LprSlice){note.data + end + 1, note.len - end - 1};
	*parts = (LprNote){{note.data, end}, rest};
	while (lpr_note_line(&rest, &line))
		if (!lpr_note_signature(line, &name, &base64) || ++count > LPR_NOTE_SIGNATURES_MAX)
			return false;
	return count > 0;
}

static bool
read_size(LprSlice digits, uint64_t *size)
{
	int64_t value;

	if (!lpr_decimal(digits, &value) || value < 0)
		return false;
	*size = (uint64_t) value;
	return true;
}

static bool
read_digest(LprSlice base64, LprDigest *digest)
{
	size_t len;

	return lpr_unbase64(base64, digest->bytes, LPR_DIGEST_LEN, &len) && len == LPR_DIGEST_LEN;
}

void
lpr_origin(const uint8_t log[LPR_LOG_ID_LEN], char origin[LPR_ORIGIN_ROOM])
{
	static const char prefix[] = "lpr-audit/";

	memcpy(origin, prefix, sizeof(prefix) - 1);
	lpr_hex(log, LPR_LOG_ID_LEN, origin + sizeof(prefix) - 1);
}

void
lpr_checkpoint_write(const LprCheckpoint *checkpoint, LprText *out)
{
	lpr_text_printf(out, "%s\n%" PRIu64 "\n", checkpoint->origin, checkpoint->size);
	lpr_base64_add(out, checkpoint->root.bytes, LPR_DIGEST_LEN);
	lpr_text_adds(out, "\nhead ");
	lpr_base64_add(out, checkpoint->head.bytes, LPR_DIGEST_LEN);
	lpr_text_printf(out, "\nat %" PRId64 "\n", checkpoint->at);
}

bool
lpr_checkpoint_read(LprSlice note, LprCheckpoint *checkpoint, LprFault *fault)
{
	bool head = false, at = false;
	LprSlice line;
	LprNote parts;

	memset(checkpoint, 0, sizeof(*checkpoint));
	if (!lpr_note_split(note, &parts))
		return lpr_fault(fault, LPR_STATE_BAD_NOTE, "not a signed note, nor the text of one");
	if (!lpr_note_line(&parts.text, &line) || !lpr_key_name_ok(line) || line.len >= LPR_ORIGIN_ROOM)
		return lpr_fault(fault, LPR_STATE_BAD_NOTE, "line 1 of the checkpoint is not the origin of a log");
	memcpy(checkpoint->origin, line.data, line.len);
	if (!lpr_note_line(&parts.text, &line) || !read_size(line, &checkpoint->size))
		return lpr_fault(fault, LPR_STATE_BAD_NOTE, "line 2 of the checkpoint is not a size");
	if (!lpr_note_line(&parts.text, &line) || !read_digest(line, &checkpoint->root))
		return lpr_fault(fault, LPR_STATE_BAD_NOTE, "line 3 of the checkpoint is not a root in base64");
	while (lpr_note_line(&parts.text, &line))
	{
		if (line.len == 0)
			return lpr_fault(fault, LPR_STATE_BAD_NOTE, "empty line in the checkpoint");
		if (skip(&line, "head "))
		{
			if (head || !read_digest(line, &checkpoint->head))
				return lpr_fault(fault, LPR_STATE_BAD_NOTE, "bad line \"head\" in the checkpoint");
			head = true;
		}
		else if (skip(&line, "at "))
		{
			if (at || !lpr_decimal(line, &checkpoint->at))
				return lpr_fault(fault, LPR_STATE_BAD_NOTE, "bad line \"at\" in the checkpoint");
			at = true;
		}
	}
	if (!head || !at)
		return lpr_fault(fault, LPR_STATE_BAD_NOTE, "the checkpoint has no line \"%s\"", head ? "at" : "head");
	return true;
}
