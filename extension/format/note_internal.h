/*
 * note_internal.h: a note in its parts, for note.c (the form) and note_key.c (signatures) alone.
 */
#ifndef LPR_NOTE_INTERNAL_H
#define LPR_NOTE_INTERNAL_H

#include "format/note.h"

#define LPR_KEY_NAME_MAX 200
#define LPR_KEY_ID_LEN   4

#define LPR_NOTE_MAX            1000000 /* bytes of a note */
#define LPR_NOTE_SIGNATURES_MAX 100     /* lines of them; both are the limits of Go's reference implementation */

#define LPR_NOTE_DASH "\xE2\x80\x94 " /* em dash, blank: how every signature line begins */

#define LPR_STATE_BAD_NOTE LPR_STATE_BAD_REPLY
#define LPR_STATE_BAD_KEY  LPR_STATE_BAD_OPTION

/* All of them slices of the note. */
typedef struct LprNote
{
	LprSlice text;       /* with its last newline */
	LprSlice signatures; /* whole lines; empty: not signed */
} LprNote;

/* The text is parted from the signatures by the last empty line. false: neither a text nor a signed note. */
extern bool lpr_note_split(LprSlice note, LprNote *parts);
/* The next line, without its newline; false at the end, or when what is left has no newline. */
extern bool lpr_note_line(LprSlice *rest, LprSlice *line);
/* The parts of a signature line, of any kind. */
extern bool lpr_note_signature(LprSlice line, LprSlice *name, LprSlice *base64);
/* C2SP allows more; names in printable ASCII cannot be mistaken for one another. */
extern bool lpr_key_name_ok(LprSlice name);

#endif
