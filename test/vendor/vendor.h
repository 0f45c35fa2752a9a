/*
 * vendor: the types that the rooms of the vendor simulator share. README.md has the routes and the faults.
 */
#ifndef LPR_VENDOR_H
#define LPR_VENDOR_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

#define MAX_CAMERAS 512
#define SECOND      INT64_C(1000000)
#define DAY         (86400 * SECOND)
#define YEAR        (INT64_C(31557600) * SECOND)

struct MHD_Connection;
struct json_object;

/* ---- the world ---- */

enum camera_kind
{
	CAMERA_STREET,
	CAMERA_PORT, /* a port of entry, on the side of the United States */
	CAMERA_ABROAD,
	CAMERA_UNKNOWN,      /* no place known */
	CAMERA_CONTRADICTION /* says US, stands in Mexico; reads nothing but by the fault wrong_rows */
};

struct camera
{
	int number;
	enum camera_kind kind;
	int site; /* number of the town */
	char id[16];
	char name[64];
	char owner[64];
	char type[8];
	char city[32];
	char address[96];
	char region[3];
	char country[3];
	double latitude;
	double longitude;
	char json[512]; /* as lpr-v1 writes it */
	size_t json_len;
};

struct vehicle
{
	char plate[16];
	char region[3];
	uint8_t model; /* of vehicle_models */
	uint8_t color;
	uint8_t habit;
	uint8_t kind;
	int16_t partner; /* the look-alike or the twin, or -1 */
	int16_t town;
};

enum vehicle_kind
{
	VEHICLE_PLAIN,
	VEHICLE_LOOKALIKE,
	VEHICLE_TWIN
};

enum habit
{
	HABIT_COMMUTER,
	HABIT_LONG_HAUL,
	HABIT_BORDER,
	HABIT_OCCASIONAL,
	HABIT_STORY
};

struct event
{
	int64_t t;
	uint16_t vehicle;
	uint16_t camera;
	uint32_t hash;
};

/* One company: which cameras it has. */
struct vendor
{
	char name[40];
	uint64_t salt;
	bool sees[MAX_CAMERAS];
	uint16_t us[MAX_CAMERAS];
	int n_us;
};

struct world
{
	uint64_t seed;
	int64_t now; /* the world ends here: the start of the server, rounded down to a minute */
	struct camera cameras[MAX_CAMERAS];
	int n_cameras;
	struct vehicle *vehicles;
	int n_vehicles;
	struct event *events; /* by time */
	int n_events;
};

extern struct world world;
extern const char *const vehicle_models[][2];
extern const char *const vehicle_colors[];
extern const int n_vehicle_models;
extern const int n_vehicle_colors;
extern int model_bulk;
extern int color_bulk;

extern uint64_t mix64(uint64_t a, uint64_t b);
extern uint64_t hash_text(const char *text);
extern void world_make(uint64_t seed, int64_t now);
extern void world_end(void);
extern void cameras_make(void);
extern int towns_count(void);
extern int town_port(int town); /* the first camera of a port, or -1 */
extern const char *town_region(int town);
extern int town_camera(int town, uint64_t hash);
extern int abroad_camera(int port_town, uint64_t hash);
extern void plates_make(void);
extern bool plate_look_alike(char *plate);
extern void plate_normal(const char *text, char *out, size_t size);
extern const struct vendor *vendor_of(const char *name);
extern const struct camera *camera_of_kind(enum camera_kind kind);
extern int camera_by_id(const char *id);
extern double distance_m(double lat1, double lon1, double lat2, double lon2);

/* ---- questions ---- */

struct question
{
	const struct vendor *vendor;
	char (*plates)[20]; /* in normal form */
	int n_plates;
	char region[3];
	bool has_near;
	double latitude;
	double longitude;
	double radius_m;
	double (*ring)[2]; /* longitude, latitude */
	int n_ring;
	char address[204];
	char make[68];
	char model[68];
	int camera; /* -1: any */
	int site;   /* -1: any */
	int64_t from;
	int64_t until;
	bool ascending;
	int min_confidence; /* thousandths */
	int min_state_confidence;
};

struct row
{
	uint64_t id;
	int64_t t;
	const struct camera *camera;
	int confidence; /* thousandths */
	int state_confidence;
	uint8_t model;
	uint8_t color;
	char region[3];
	char plate[24];
};

struct page
{
	struct row *rows;
	int n;
	int64_t total; /* -1: not asked */
	bool more;
	int64_t next;         /* offset of the next page */
	const char *next_raw; /* the fault next_elsewhere */
};

struct walk; /* a question being answered row by row */

extern void question_init(struct question *q, const struct vendor *vendor);
extern void question_free(struct question *q);
extern void question_copy(struct question *to, const struct question *from);
extern bool question_add_plate(struct question *q, const char *plate);
extern int64_t question_count(const struct question *q);
extern struct walk *walk_open(const struct question *q, int64_t offset);
extern bool walk_next(struct walk *walk, struct row *row);
extern void walk_close(struct walk *walk);

/* upload.c: reads that the vendor received while the simulator ran, late ones too */
extern const char *upload_add(struct json_object *spec, uint64_t *id);
extern void uploads_forget(void);
extern int64_t uploads_count(void);
/* Those of the question's vendor and plates by time; NULL: there are none. To be freed. */
extern struct row *upload_rows(const struct question *q, int *n);
/* The next ones of the question since a place in the order of receipt; the place behind them. */
extern int64_t uploads_since(const struct question *q, int64_t since, int limit, struct page *page);

/* ---- requests and replies ---- */

enum request_class
{
	CLASS_LOGIN,
	CLASS_SEARCH,
	CLASS_PAGE,
	CLASS_CAMERAS,
	CLASS_IMAGE,
	CLASS_OTHER
};

enum fault_name
{
	FAULT_DELAY,
	FAULT_DRIP,
	FAULT_CUT,
	FAULT_HANG,
	FAULT_TRUNCATED,
	FAULT_OVERLONG,
	FAULT_STATUS,
	FAULT_RATE_LIMIT,
	FAULT_REDIRECT,
	FAULT_NEXT_ELSEWHERE,
	FAULT_ENDLESS,
	FAULT_ENDLESS_SAME,
	FAULT_GZIP_BOMB,
	FAULT_GZIP,
	FAULT_HTML,
	FAULT_MALFORMED,
	FAULT_WRONG_ROWS,
	FAULT_NOT_IMAGE,
	FAULT_EXPIRED,
	FAULT_IMAGES_ELSEWHERE,
	FAULT_HOLD
};

struct fault
{
	char vendor[40]; /* or "*" */
	int class;       /* -1: any */
	enum fault_name name;
	long times; /* -1: forever */
	long after;
	long ms;
	int64_t bytes; /* -1: the fault's own default */
	int64_t at;
	int status;
	int retry_after; /* seconds, -1: no header */
	int reset;       /* the same, X-RateLimit-Reset */
	bool as_date;
	char header[32]; /* that tells when to come back, and */
	char value[64];  /* how; empty: none does */
	bool length;
	int count;
	int depth;
	char kind[32];
	char to[512];
	char body[2048];
	bool has_body;
};

#define MAX_ACTIVE_FAULTS 8

struct request
{
	struct MHD_Connection *connection;
	const struct vendor *vendor;
	const struct dialect *dialect;
	enum request_class class;
	const char *method;
	const char *version;
	const char *raw;  /* path and query as sent */
	const char *rest; /* the path beneath the base */
	const char *body;
	size_t body_len;
	int64_t arrived;
	char base[512]; /* scheme, host, vendor and dialect */
	struct fault faults[MAX_ACTIVE_FAULTS];
	int n_faults;
	int clearings; /* faults_clearings() when these were looked up */
};

struct reply
{
	int status;
	const char *type;
	struct buf body;
	int rows;
	int n_headers;
	struct
	{
		char name[32];
		char value[600];
	} headers[4];
};

/* The keys that the fault "malformed" aims at. NULL: the dialect has none. */
struct reply_keys
{
	const char *rows; /* "": the document itself */
	const char *id;
	const char *plate;
	const char *time;
	const char *number; /* any number of a row */
	const char *confidence;
	const char *latitude;
};

struct dialect
{
	const char *name;
	const char *secret;     /* what a client must know: key, token, or secret of the login */
	const char *client_id;  /* of the login; NULL: it has none */
	const char *headers[2]; /* that carry a credential, beside Authorization */
	long token_seconds;     /* for how long a login's token holds; 0: nobody logs in */
	const char *images;     /* how the path of an image begins, beneath the base; NULL: no read has one */
	enum request_class (*classify)(const struct request *rq); /* rest, body and arguments are there */
	void (*answer)(struct request *rq, struct reply *rp);
	void (*error)(struct reply *rp, int status, const char *message);
	void (*login_error)(struct reply *rp, int status, const char *message); /* NULL: as error */
	void (*end)(void);                                                      /* frees what is left; NULL: nothing is */
	struct reply_keys search;
	struct reply_keys cameras;
	struct reply_keys login;
};

#define DIALECT(name) extern const struct dialect name;
#include "dialects.h"

extern const struct dialect *const dialects[]; /* ends in NULL */

extern const char *const class_names[];
extern int64_t clock_us(void);
extern atomic_bool stopping;

/* strict.c */
extern struct json_object *json_read(const char *text, size_t len); /* NULL: it is no object or array in strict JSON */

/* request.c */
extern const char *request_arg(const struct request *rq, const char *name);
extern const char *request_header(const struct request *rq, const char *name);
extern struct json_object *request_json(const struct request *rq);
extern void reply_header(struct reply *rp, const char *name, const char *value);
extern void reply_fail(const struct request *rq, struct reply *rp, int status, const char *message);
extern void answer_page(struct request *rq, const struct question *q, int64_t offset, int limit, bool total,
						struct page *page);
extern void page_free(struct page *page);

/* token.c */
struct settings
{
	atomic_long token_seconds;      /* 0: the dialect's own */
	atomic_long verkada_per_minute; /* 0: not enforced */
	atomic_long flock_per_second;   /* the same */
	atomic_long image_seconds;
};

extern struct settings settings;
extern long token_issue(const struct request *rq, char *out, size_t size); /* for how many seconds */
extern bool token_valid(const struct request *rq, const char *token);
extern void tokens_forget(void);
extern bool under_rate(const struct request *rq, long most, int seconds);

/* verkada.c: what the versions of its protocol share */
extern void verkada_error(struct reply *rp, int status, const char *message);
extern void verkada_login(struct request *rq, struct reply *rp, const char *api_key);

/* image.c */
extern void image_png(uint64_t seed, struct buf *out);
extern uint64_t image_signature(uint64_t id, char which, int64_t expires);
extern void image_signed(const struct request *rq, struct reply *rp, const char *file);
extern void image_reply(struct reply *rp, uint64_t seed);

/* fault.c, malform.c, wrong.c */
extern void faults_match(struct request *rq);
extern const struct fault *fault_of(const struct request *rq, enum fault_name name);
extern const char *fault_add(struct json_object *spec);
extern void faults_clear(void);
extern int faults_clearings(void);
extern bool faults_instead(struct request *rq, struct reply *rp);
extern void faults_page(struct request *rq, const struct question *q, struct page *page, int64_t offset, int limit);
extern void faults_body(struct request *rq, struct reply *rp);
extern bool malform_known(const char *kind);
extern void malform(const struct reply_keys *keys, const struct fault *fault, struct buf *body);
extern bool wrong_known(const char *kind);
extern void wrong_rows(const struct fault *fault, const struct question *q, struct page *page);

/* deliver.c */
extern int deliver(struct request *rq, struct reply *rp);

/* log.c */
extern bool log_open(const char *file);
extern void log_close(void);
extern void log_add(const struct request *rq, const struct reply *rp);
extern void log_clear(void);
extern void log_list(struct buf *out, const char *vendor, const char *class, int64_t since);

/* control.c, truth.c, reads.c */
extern void control_answer(struct request *rq, struct reply *rp);
extern bool truth_question(const struct request *rq, struct question *q);
extern void truth_answer(struct request *rq, struct reply *rp);
extern void reads_answer(struct request *rq, struct reply *rp);

#endif /* LPR_VENDOR_H */
