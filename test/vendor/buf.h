/*
 * buf: a growing byte buffer, the JSON and time texts written into it, and the times read from texts.
 */
#ifndef LPR_VENDOR_BUF_H
#define LPR_VENDOR_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct buf
{
	char *at;
	size_t len;
	size_t cap;
};

enum time_style
{
	TIME_RFC3339, /* 2024-01-02T03:04:05.678901Z */
	TIME_BARE     /* the same without Z */
};

extern void *need(void *pointer);
extern void buf_grow(struct buf *b, size_t more);
extern void buf_fmt(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
extern void buf_json(struct buf *b, const char *text);
extern void buf_json_bytes(struct buf *b, const char *text, size_t len);
extern void buf_json_or_null(struct buf *b, const char *text);
extern void buf_replace(struct buf *b, size_t at, size_t old_len, const char *text, size_t len);
extern void buf_free(struct buf *b);
extern char *time_write(char *to, int64_t t, enum time_style style);
extern char *hex16_write(char *to, uint64_t value);
extern bool time_read(const char *text, int64_t *t);
extern bool date_time_read(const char *text, int64_t *t); /* with a zone, as RFC 3339 has it */
extern int64_t years_before(int64_t t, int years);

static inline void
buf_room(struct buf *b, size_t more)
{
	if (b->cap - b->len < more)
		buf_grow(b, more);
}

static inline void
buf_put(struct buf *b, const void *bytes, size_t len)
{
	buf_room(b, len);
	memcpy(b->at + b->len, bytes, len);
	b->len += len;
}

static inline void
buf_str(struct buf *b, const char *text)
{
	buf_put(b, text, strlen(text));
}

static inline void
buf_time(struct buf *b, int64_t t, enum time_style style)
{
	buf_room(b, 32);
	b->len = (size_t) (time_write(b->at + b->len, t, style) - b->at);
}

static inline void
buf_hex16(struct buf *b, uint64_t value)
{
	buf_room(b, 16);
	b->len = (size_t) (hex16_write(b->at + b->len, value) - b->at);
}

#endif /* LPR_VENDOR_BUF_H */
