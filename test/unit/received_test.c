/*
 * received_test.c: what a vendor has received of some plates since a mark, over HTTP, from the simulator: none is lost,
 * however late it comes, and nothing comes that was not asked for.
 */
#include <curl/curl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/filter.h"
#include "dialect_case.h"

static pid_t simulator;
static char base[64];
static char mark[LPR_ID_MAX];
static bool marked;

/* ---- HTTP ---- */

static size_t
gather(char *data, size_t size, size_t n, void *to)
{
	lpr_text_append(to, data, size * n);
	return size * n;
}

/* Sends a request, and returns the status of its reply. headers: lines "Name: value\n". */
static long
send_request(const char *method, const char *url, const char *headers, const char *body, LprText *reply)
{
	struct curl_slist *list = NULL;
	CURL *curl = curl_easy_init();
	char *copy = strdup(headers);
	long status = 0;

	for (char *line = strtok(copy, "\n"); line != NULL; line = strtok(NULL, "\n"))
		list = curl_slist_append(list, line);
	reply->len = 0;
	lpr_text_adds(reply, "");
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, gather);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, reply);
	if (curl_easy_perform(curl) == CURLE_OK)
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_slist_free_all(list);
	curl_easy_cleanup(curl);
	free(copy);
	return status;
}

static void
start_simulator(void)
{
	char line[64] = "";
	int ends[2];
	FILE *ports;

	if (pipe(ends) != 0 || (simulator = fork()) < 0)
		exit(1);
	if (simulator == 0)
	{
		dup2(ends[1], 1);
		close(ends[0]);
		close(ends[1]);
		execl("../vendor/lpr-vendor", "lpr-vendor", (char *) NULL);
		_exit(127);
	}
	close(ends[1]);
	ports = fdopen(ends[0], "r");
	ok(fgets(line, sizeof(line), ports) != NULL && strncmp(line, "http=", 5) == 0, "the simulator stands");
	fclose(ports);
	snprintf(base, sizeof(base), "http://127.0.0.1:%d", atoi(line + 5));
}

static void
control(const char *method, const char *path, const char *body)
{
	LprText reply = {0};
	char url[128];

	snprintf(url, sizeof(url), "%s/control/%s", base, path);
	if (send_request(method, url, "Content-Type: application/json\n", body, &reply) != 200)
		ok(false, "%s %s: %s", method, path, reply.data);
	lpr_text_free(&reply);
}

/* The vendor receives a read of that moment now. */
static void
receives(const char *plate, const char *captured_at)
{
	char body[256];

	snprintf(body, sizeof(body), "{\"vendor\":\"acme\",\"plate\":\"%s\",\"captured_at\":\"%s\"}", plate, captured_at);
	control("POST", "uploads", body);
}

/* ---- asking ---- */

static int pages;    /* of the last question */
static int shown;    /* reads that passed the filter */
static int repeated; /* reads that were shown before */
static int dropped[LPR_DROPS];
static char last_plate[LPR_PLATE_ROOM];
static char refused[256]; /* the vendor's words */
static long status;
static LprSeen *seen;

static void
ask_for(int n)
{
	static char url[96];

	start("lpr-v1");
	snprintf(url, sizeof(url), "%s/acme/lpr-v1", base);
	site.url = url;
	site.secret = "sim-lpr-token";
	query.nplates = n;
	query.from = moment("2021-12-01T00:00:00Z");
	query.until = query.asked_at = moment("2026-12-01T00:00:00Z");
}

/* One page of the leg at hand; false: it was refused, or is none. */
static bool
ask_page(void)
{
	LprRequest request = {0};
	LprText body = {0}, said = {0};
	LprPageStep last = LPR_PAGE_FAULT;

	refused[0] = '\0';
	if (!dialect->ask(legs, &request, &fault))
	{
		ok(false, "asks: %s", fault.message);
		return false;
	}
	status = send_request("POST", request.url.data, request.headers.data, request.body.data, &body);
	if (status != 200)
	{
		dialect->refusal((int) status, body.data, body.len, &said);
		snprintf(refused, sizeof(refused), "%s", said.data ? said.data : "");
	}
	else if (open_page(legs, body.data))
		while ((last = step()) == LPR_PAGE_READ)
		{
			LprDrop drop = lpr_filter(&query, query.from, &read_);
			bool failed = false;

			if (drop != LPR_DROP_NONE)
				dropped[drop]++;
			else if (!lpr_seen_add(seen, read_.id, &failed))
				repeated++;
			else
			{
				shown++;
				strcpy(last_plate, read_.plate);
			}
		}
	pages++;
	lpr_text_free(&said);
	lpr_text_free(&body);
	lpr_request_free(&request);
	return last == LPR_PAGE_END;
}

/* All that was received since the mark, which then moves; at most so many pages of it. */
static bool
ask_on(int most)
{
	bool good = true;

	pages = shown = repeated = 0;
	memset(dropped, 0, sizeof(dropped));
	lpr_legs_free(legs, nlegs);
	query.received = true;
	query.mark = marked ? mark : NULL;
	nlegs = lpr_legs(dialect, &query, &site, &legs, &fault);
	query.mark = NULL;
	if (nlegs != 1)
		return false;
	do
	{
		good = ask_page();
		if (good)
			marked = snprintf(mark, sizeof(mark), "%s", legs->mark) > 0;
	} while (good && legs->next != NULL && pages < most);
	return good;
}

static void
received(int n, const char *what)
{
	if (!ok(ask_on(100) && shown == n, "%s: %d reads", what, n))
		printf("# %d shown, %d repeated, status %ld: %s %s\n", shown, repeated, status, refused, page.fault.message);
}

/* ---- tests ---- */

static void
test_late_reads(void)
{
	char before[sizeof(mark)];

	ask_for(2);
	receives("7ABC123", "2026-11-30T09:00:00Z");
	received(0, "at first there is a mark, and nothing else");
	strcpy(before, mark);
	received(0, "nothing was received since");
	is_text(mark, before, "and the mark stays");

	receives("7ABC123", "2026-11-30T10:00:00Z");
	received(1, "a new read comes");
	receives("7ABC123", "2026-11-28T10:00:00Z");
	received(1, "one that was captured two days before it, and received after it, comes as well");
	received(0, "once");
	receives("8xyz-999", "2026-11-01T10:00:00Z");
	receives("1OTHER1", "2026-11-30T11:00:00Z");
	received(1, "of plates that were asked for");
	is_text(last_plate, "8XYZ999", "and of no other");
	receives("7ABC123", "2019-11-28T10:00:00Z");
	received(0, "what is older than five years is dropped");
	ok(dropped[LPR_DROP_TOO_OLD] == 1, "and counted");
	strcpy(mark, before);
	received(0, "from an old mark all comes again");
	ok(repeated == 3 && dropped[LPR_DROP_TOO_OLD] == 1, "to be told by its id");
}

/* A read that was received while the pages were fetched; pages that were never read to their end. */
static void
test_pages(void)
{
	char before[sizeof(mark)];

	ask_for(2);
	query.page_size = 2;
	received(0, "a mark");
	for (int i = 0; i < 5; i++)
		receives(i % 2 ? "7ABC123" : "8XYZ999", i % 2 ? "2026-11-10T10:00:00Z" : "2026-11-20T10:00:00Z");
	ok(ask_on(1) && shown == 2 && legs->next != NULL, "a page of two");
	receives("7ABC123", "2026-11-05T10:00:00Z");
	received(4, "the others, and what came meanwhile");
	ok(pages == 2, "by two pages");

	receives("7ABC123", "2026-11-06T10:00:00Z");
	receives("7ABC123", "2026-11-07T10:00:00Z");
	strcpy(before, mark);
	control("POST", "faults", "{\"fault\":\"truncated\",\"vendor\":\"acme\",\"times\":1}");
	ok(!ask_on(1), "half a page");
	is_text(mark, before, "does not move the mark");
	ok(ask_on(1) && shown + repeated == 2, "and is asked for again");
	received(0, "then there is no more");
}

static void
test_outside_the_list(void)
{
	ask_for(1);
	received(0, "a mark");
	receives("7ABC123", "2026-11-08T10:00:00Z");
	control("POST", "faults", "{\"fault\":\"wrong_rows\",\"kind\":\"other_plate\",\"vendor\":\"acme\",\"count\":3}");
	received(1, "of a list of one");
	ok(dropped[LPR_DROP_OTHER_PLATE] == 3, "what is of another plate is dropped and counted");
	control("DELETE", "faults", "");
}

/* A thousand plates are one request; of none, or of more, there is none. */
static void
test_bounds(void)
{
	static char many[LPR_PLATES_MAX][16];
	const char *few[] = {plates[0], plates[1], plates[2]};

	for (int i = 0; i < LPR_PLATES_MAX; i++)
	{
		snprintf(many[i], sizeof(many[i]), "M%04d", i);
		plates[i] = many[i];
	}
	ask_for(LPR_PLATES_MAX);
	received(0, "a mark");
	receives("M0000", "2026-11-30T10:00:00Z");
	receives("M0999", "2026-11-02T10:00:00Z");
	received(2, "of a thousand plates");
	ok(pages == 1, "by one request");
	query.nplates++;
	ok(!ask_on(1) && strcmp(fault.sqlstate, LPR_STATE_TOO_MUCH) == 0, "of more: none");
	query.nplates = 0;
	ok(!ask_on(1) && strcmp(fault.sqlstate, LPR_STATE_BAD_OPTION) == 0, "of none: none (Q1)");
	query.nplates = 1;
	query.mode = LPR_MODE_LOCATION;
	ok(!ask_on(1), "of a place: none");
	memcpy(plates, few, sizeof(few));
}

/* What the vendor refuses, lpr aside. */
static void
test_refusals(void)
{
	LprText reply = {0};
	char url[96];
	static const char headers[] = "Authorization: Bearer sim-lpr-token\nX-Request-Reference: r\n";

	ask_for(1);
	received(0, "a mark");
	strcpy(mark, "m1.00000000");
	ok(!ask_on(1) && status == 400, "a mark that is none");
	is_text(refused, "bad_request: bad mark", "is refused");
	marked = false;
	received(0, "a mark");
	control("DELETE", "uploads", "");
	ok(!ask_on(1) && status == 410, "a mark that the vendor no longer knows");
	is_text(refused, "gone: the mark is no longer known", "is refused in words of its own");
	marked = false;
	received(0, "and another one is had");

	snprintf(url, sizeof(url), "%s/acme/lpr-v1/reads/received", base);
	ok(send_request("POST", url, headers, "{}", &reply) == 422, "the simulator has no feed of everything");
	ok(send_request("POST", url, headers, "{\"plates\":[\"A1\"],\"make\":\"FORD\"}", &reply) == 400, "nor others");
	lpr_text_free(&reply);
}

/* What was uploaded is found by a search as well. */
static void
test_search(void)
{
	ask_for(1);
	plates[0] = "UPLOAD1";
	receives("UPLOAD1", "2026-11-09T10:00:00Z");
	receives("UPLOAD1", "2026-10-09T10:00:00Z");
	query.from = moment("2026-11-01T00:00:00Z");
	make_legs(1);
	shown = 0;
	ok(ask_page() && shown == 1 && legs->next == NULL, "in its window");
	plates[0] = "7ABC123";
}

int
main(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
	seen = lpr_seen_new(1);
	start_simulator();
	test_late_reads();
	test_pages();
	test_outside_the_list();
	test_bounds();
	test_refusals();
	test_search();
	kill(simulator, SIGTERM);
	waitpid(simulator, NULL, 0);
	lpr_seen_free(seen);
	curl_global_cleanup();
	return finish();
}
