/*
 * read_columns.h: the columns of the canonical read (Q3), in one list. Conditions, rows, the cache and saved reads are
 * made from it; `make lint-columns` holds the tables of SQL against it. docs/how-to-add.md tells how to add one.
 */
#ifndef LPR_READ_COLUMNS_H
#define LPR_READ_COLUMNS_H

#include "core/read.h"

/*
 * What the read itself says: COLUMN(symbol, name in SQL, kind, member of LprRead, where). The order is that of
 * lpr_data.cache_read, behind two columns of its own: a new column comes last, as ALTER TABLE puts it.
 *
 * kind: moment, degrees, confidence, text, plate, region; country, of which only one is ever shown; word, a text that
 * is shown in upper case; image, which is held as its URL. as_read and image_alike are a text and an image that the
 * cache shortens. What depends on the kind is named after it (pack_moment, TYPE_moment): the compiler tells what a new
 * kind lacks.
 *
 * where, besides the cache, which has all: ALL, or some of SHOWN (lpr.reads and lpr.images; an image lpr.images only),
 * SAVED (lpr_data.event_read) and PROVED (by the digest of an answer), or CACHE_ONLY.
 */
/* clang-format off */
#define LPR_READ_COLUMNS(COLUMN) \
	COLUMN(CAPTURED_AT,   captured_at,   moment,      captured_at,   ALL) \
	COLUMN(LATITUDE,      latitude,      degrees,     latitude,      ALL) \
	COLUMN(LONGITUDE,     longitude,     degrees,     longitude,     ALL) \
	COLUMN(CONFIDENCE,    confidence,    confidence,  confidence,    ALL) \
	COLUMN(READ_ID,       read_id,       text,        id,            ALL) \
	COLUMN(PLATE,         plate,         plate,       plate,         ALL) \
	COLUMN(PLATE_AS_READ, plate_as_read, as_read,     plate_as_read, ALL) \
	COLUMN(PLATE_REGION,  plate_region,  region,      plate_region,  ALL) \
	COLUMN(COUNTRY,       country,       country,     country,       SHOWN) \
	COLUMN(ADDRESS,       address,       text,        address,       ALL) \
	COLUMN(CAMERA_ID,     camera_id,     text,        camera_id,     ALL) \
	COLUMN(CAMERA_OWNER,  camera_owner,  text,        camera_owner,  ALL) \
	COLUMN(CAMERA_TYPE,   camera_type,   text,        camera_type,   ALL) \
	COLUMN(CAMERA_REGION, camera_region, text,        camera_region, CACHE_ONLY) \
	COLUMN(MAKE,          make,          word,        make,          ALL) \
	COLUMN(MODEL,         model,         word,        model,         ALL) \
	COLUMN(COLOR,         color,         word,        color,         ALL) \
	COLUMN(PLATE_IMAGE,   plate_image,   image,       plate_image,   SHOWN | SAVED) \
	COLUMN(VEHICLE_IMAGE, vehicle_image, image_alike, vehicle_image, SHOWN | SAVED)

/* What lpr.reads and lpr.images say besides: FRAME(symbol, name in SQL, kind). */
#define LPR_FRAME_COLUMNS(FRAME) \
	FRAME(EVENT_ID,    event_id,    number) \
	FRAME(SOURCE,      source,      text) \
	FRAME(RECENT,      recent,      yes) \
	FRAME(MATCHED_HOW, matched_how, text) \
	FRAME(FETCHED_AT,  fetched_at,  moment) \
	FRAME(FROM_CACHE,  from_cache,  yes) \
	FRAME(EXPIRES_AT,  expires_at,  moment) \
	FRAME(PLACE_CERTAINTY, place_certainty, text) \
	FRAME(CAVEAT,      caveat,      text) \
	FRAME(HAS_IMAGES,  has_images,  yes)
/* clang-format on */

#define LPR_ENUM_COLUMN(symbol, ...) LPR_COLUMN_##symbol,
typedef enum LprColumn
{
	LPR_READ_COLUMNS(LPR_ENUM_COLUMN) /* a read's own: below LPR_COLUMNS_OF_READ */
	LPR_COLUMNS_OF_READ,
	LPR_COLUMN_BEFORE_FRAME = LPR_COLUMNS_OF_READ - 1,
	LPR_FRAME_COLUMNS(LPR_ENUM_COLUMN) LPR_COLUMNS
} LprColumn;
#undef LPR_ENUM_COLUMN

typedef enum LprColumnKind
{
	LPR_KIND_moment,
	LPR_KIND_degrees,
	LPR_KIND_confidence,
	LPR_KIND_text,
	LPR_KIND_plate,
	LPR_KIND_as_read,
	LPR_KIND_region,
	LPR_KIND_country,
	LPR_KIND_word,
	LPR_KIND_image,
	LPR_KIND_image_alike,
	LPR_KIND_number,
	LPR_KIND_yes
} LprColumnKind;

/* Where a column is, besides the cache. */
enum
{
	LPR_IS_SHOWN = 1,
	LPR_IS_SAVED = 2,
	LPR_IS_PROVED = 4
};

typedef struct LprColumnOf
{
	const char *name;
	LprColumnKind kind;
	unsigned where;
} LprColumnOf;

extern const LprColumnOf lpr_columns[LPR_COLUMNS];

#endif
