/*
 * option.h: the options of a source: which there are, what each may be.
 */
#ifndef LPR_OPTION_H
#define LPR_OPTION_H

#include "postgres.h"
#include "nodes/pg_list.h"

#include "dialect/dialect.h"
#include "http/http.h"

typedef struct LprOptions
{
	const LprDialect *dialect;
	char *url;
	char *audience;
	char *reason;
	char *image_origins; /* blank-separated origins besides the URL's own */
	char *secret;        /* of the mapping: a name */
	char *client_id;     /* of the mapping */
	char *time_zone;     /* of times without one; NULL: UTC */
	int page_size;       /* 0 = the dialect's own */
	int parallel;        /* legs of one question that run side by side */
	int max_pages;
	int max_megabytes; /* of one question */
	int max_image_kilobytes;
	bool fail_on_error;
	bool uncached;   /* its answers are not cached */
	bool order_here; /* do not rely on the vendor's order */
	LprHttpPeer peer;
} LprOptions;

/*
 * Fills *options, defaults included, from the option lists of a server and a user mapping. Strings point into the
 * lists.
 */
extern void lpr_options_read(List *server_options, List *mapping_options, LprOptions *options);

#endif
