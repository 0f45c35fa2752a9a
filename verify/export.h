/*
 * export.h: the log's export, a text that is read row by row. Memory is bounded by the longest line.
 */
#ifndef LPR_EXPORT_H
#define LPR_EXPORT_H

#include "format/record.h"

typedef struct Export Export; /* malloc */

/* Slices point into the line and live until the next row is read. */
typedef struct Row
{
	LprRecord record; /* without its log */
	bool has_salt;
	uint8_t salt[LPR_SALT_LEN];
	LprSlice payload;
	LprDigest digest;
	bool has_number; /* of a bad row: its number could be read */
	bool has_digest; /* likewise */
} Row;

typedef enum ExportStep
{
	EXPORT_ROW,
	EXPORT_BAD_ROW, /* the fault says why */
	EXPORT_END,
	EXPORT_FAULT /* the file cannot be read any further */
} ExportStep;

/* path "-" is standard input. Reads the first line. */
extern Export *export_open(const char *path, LprFault *fault);
extern void export_close(Export *export);
extern const uint8_t *export_log(const Export *export);
extern uint64_t export_line(const Export *export); /* of the row read last; the first line is 1 */
extern ExportStep export_next(Export *export, Row *row, LprFault *fault);

/* One line without its newline, which is changed: escapes are undone in place. */
extern bool export_parse(char *line, size_t len, Row *row, LprFault *fault);
extern bool export_parse_header(LprSlice line, uint8_t log[LPR_LOG_ID_LEN], LprFault *fault);

#endif
