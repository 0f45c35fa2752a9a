/*
 * query.h: the canonical question. What a person asks, in the words of no vendor.
 */
#ifndef LPR_QUERY_H
#define LPR_QUERY_H

#include "base/moment.h"

#define LPR_PLATE_MAX      16 /* characters of a plate in normal form */
#define LPR_PLATE_ROOM     (LPR_PLATE_MAX * 4 + 1)
#define LPR_PLATES_MAX     1000 /* plates of one question */
#define LPR_RADIUS_MAX_M   500000.0
#define LPR_REFERENCE_ROOM 129

/* The search modes of the assessment (Q2), as bits. */
typedef enum LprMode
{
	LPR_MODE_PLATE = 1,
	LPR_MODE_LOCATION = 2,
	LPR_MODE_VEHICLE = 4,
	LPR_MODE_SAVED = 8,   /* no question to a source: what was saved for an event is looked at, or reads are saved */
	LPR_MODE_DISPLAY = 16 /* of a record: a round of the watcher, which asks by plate what displays watch (D1) */
} LprMode;

typedef enum LprOrder
{
	LPR_ORDER_NONE,
	LPR_ORDER_NEWEST_FIRST,
	LPR_ORDER_OLDEST_FIRST
} LprOrder;

/* The purpose of a question (Q7): an event, or none given. Any number may be one. No vendor learns it (U7). */
typedef struct LprEvent
{
	bool given;
	int64_t id;
} LprEvent;

/* Everything is AND. Absent conditions are NULL, zero or false. The window is closed and always given. */
typedef struct LprQuery
{
	LprMode mode; /* the anchor that the question starts from: plate before location before vehicle */
	int nplates;
	const char **plates;  /* normal form, distinct, sorted */
	char region[3];       /* of the plate; "" = any */
	bool region_if_known; /* reads whose region nobody tells are an answer too */
	bool has_near;
	double latitude;
	double longitude;
	double radius_m;
	const char *address;        /* the camera's address contains this, as it was written; */
	const char *address_normal; /* … and in normal form (lpr_word_normal), as reads are checked */
	const char *make;           /* upper case */
	const char *model;          /* upper case */
	LprMoment from;             /* captured_at >= from */
	LprMoment until;            /* captured_at <= until */
	LprMoment asked_at;
	LprOrder order;
	/*
	 * Reads as the vendor received them since `mark` (NULL: from now on), in that order, late ones too: of plates only
	 * (Q1). The window still bounds what is shown. For displays; no question of SQL is one.
	 */
	bool received;
	const char *mark;
	int page_size; /* wished for; 0 = the dialect's own. A hint, never a limit of the answer */
	bool want_images;
	bool fresh;                         /* the vendor is asked, even if an answer is cached */
	int64_t reads_max;                  /* that may be shown, 0 = no limit (Q8) */
	int64_t plates_max;                 /* different ones, likewise */
	char reference[LPR_REFERENCE_ROOM]; /* opaque; goes to the vendor instead of user and case (U7) */
} LprQuery;

#endif
