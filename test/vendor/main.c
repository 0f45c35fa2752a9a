/*
 * main: the options, the listeners, and each request from its first byte to its delivery. README.md has the rest.
 */
#include <arpa/inet.h>
#include <getopt.h>
#include <gnutls/gnutls.h>
#include <malloc.h>
#include <microhttpd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "vendor.h"

#define BODY_MAX    (16 << 20)
#define CONNECTIONS 4000

atomic_bool stopping;

const struct dialect *const dialects[] = {
#define DIALECT(name) &name,
#include "dialects.h"
	NULL};
static atomic_long connections;
static bool want_client_certificate;

/* What is known of a request while its body still comes in. */
struct incoming
{
	char *raw;
	int64_t arrived;
	struct buf body;
	bool started;
};

static void *
request_begins(void *cls, const char *uri, struct MHD_Connection *connection)
{
	struct incoming *in = need(calloc(1, sizeof(*in)));

	(void) cls;
	(void) connection;
	in->raw = need(strdup(uri));
	in->arrived = clock_us();
	return in;
}

static void
request_ends(void *cls, struct MHD_Connection *connection, void **con_cls, enum MHD_RequestTerminationCode why)
{
	struct incoming *in = *con_cls;

	(void) cls;
	(void) connection;
	(void) why;
	if (in == NULL)
		return;
	free(in->raw);
	buf_free(&in->body);
	free(in);
	*con_cls = NULL;
}

static void
connection_changes(void *cls, struct MHD_Connection *connection, void **context,
				   enum MHD_ConnectionNotificationCode what)
{
	(void) cls;
	(void) connection;
	if (what == MHD_CONNECTION_NOTIFY_STARTED)
		*context = (void *) (intptr_t) ++connections;
}

/* Splits /vendor/dialect/rest; false: it is nobody's. */
static bool
find_vendor(struct request *rq, const char *url, bool tls)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";
	const char *host = request_header(rq, "Host");
	size_t vendor_len = strspn(url + 1, letters);
	const char *dialect = url + 1 + vendor_len + 1;
	size_t dialect_len;
	char name[40];

	if (url[0] != '/' || vendor_len == 0 || vendor_len >= sizeof(name) || url[1 + vendor_len] != '/')
		return false;
	dialect_len = strcspn(dialect, "/");
	for (int i = 0; dialects[i] != NULL; i++)
	{
		if (strlen(dialects[i]->name) == dialect_len && strncmp(dialects[i]->name, dialect, dialect_len) == 0)
			rq->dialect = dialects[i];
	}
	memcpy(name, url + 1, vendor_len);
	name[vendor_len] = '\0';
	if (rq->dialect == NULL || (rq->vendor = vendor_of(name)) == NULL)
		return false;
	if (host == NULL ||
		strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:[]-") != strlen(host) ||
		strlen(host) > 255)
		host = "127.0.0.1";
	snprintf(rq->base, sizeof(rq->base), "%s://%s/%s/%s", tls ? "https" : "http", host, name, rq->dialect->name);
	rq->rest = dialect + dialect_len;
	return true;
}

/* A client that must show a certificate has shown one that our authority has signed. */
static bool
client_certified(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	unsigned status = 1;

	return info != NULL && info->tls_session != NULL &&
		   gnutls_certificate_verify_peers2((gnutls_session_t) info->tls_session, &status) == GNUTLS_E_SUCCESS &&
		   status == 0;
}

static int
respond(struct request *rq, const char *url, bool tls)
{
	struct reply rp = {.status = 200};
	int result;

	if (strncmp(url, "/control/", 9) == 0)
	{
		rq->rest = url + 8;
		control_answer(rq, &rp);
	}
	else if (!find_vendor(rq, url, tls))
	{
		rp.status = 404;
		rp.type = "text/plain";
		buf_str(&rp.body, "no such vendor or dialect: see test/vendor/README.md\n");
	}
	else
	{
		rq->class = rq->dialect->classify(rq);
		if (tls && want_client_certificate && !client_certified(rq->connection))
			reply_fail(rq, &rp, 400, "No required SSL certificate was sent");
		else
		{
			faults_match(rq);
			if (!faults_instead(rq, &rp))
			{
				rq->dialect->answer(rq, &rp);
				faults_body(rq, &rp);
			}
		}
		log_add(rq, &rp);
	}
	result = deliver(rq, &rp);
	buf_free(&rp.body);
	return result;
}

static enum MHD_Result
handle(void *cls, struct MHD_Connection *connection, const char *url, const char *method, const char *version,
	   const char *data, size_t *data_len, void **con_cls)
{
	struct incoming *in = *con_cls;
	struct request *rq;
	int result;

	if (!in->started)
	{
		in->started = true;
		return MHD_YES;
	}
	if (*data_len > 0)
	{
		if (in->body.len + *data_len > BODY_MAX)
			return MHD_NO;
		buf_put(&in->body, data, *data_len);
		*data_len = 0;
		return MHD_YES;
	}
	rq = need(calloc(1, sizeof(*rq)));
	rq->connection = connection;
	rq->method = method;
	rq->version = version;
	rq->raw = in->raw;
	rq->arrived = in->arrived;
	rq->body_len = in->body.len;
	if (in->body.len > 0)
	{
		buf_put(&in->body, "", 1);
		rq->body = in->body.at;
	}
	result = respond(rq, url, cls != NULL);
	free(rq);
	return result ? MHD_YES : MHD_NO;
}

/* ---- start and stop ---- */

struct options
{
	int port;
	int tls_port; /* -1: no TLS */
	char *cert;
	char *key;
	char *client_ca;
	const char *priorities;
	const char *port_file;
	const char *log_file;
	uint64_t seed;
	int64_t now; /* where the world ends, microseconds */
};

static char *
file_text(const char *name)
{
	FILE *f = fopen(name, "r");
	struct buf b = {0};
	char piece[4096];
	size_t n;

	if (f == NULL)
	{
		perror(name);
		exit(2);
	}
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		buf_put(&b, piece, n);
	fclose(f);
	buf_put(&b, "", 1);
	return b.at;
}

static void
usage(void)
{
	fputs("usage: lpr-vendor [--port N] [--tls-port N --tls-cert FILE --tls-key FILE [--tls-client-ca FILE]\n"
		  "                  [--tls-priorities TEXT]] [--port-file FILE] [--log FILE] [--seed N] [--now EPOCH]\n"
		  "       lpr-vendor --dialects\n",
		  stderr);
	exit(2);
}

/* What a test has to know of each dialect, as name=value: its secret, and the keys of a read that "malformed" finds. */
static void
tell_dialects(void)
{
	for (int i = 0; dialects[i] != NULL; i++)
	{
		const struct dialect *d = dialects[i];

		printf("%s secret=%s", d->name, d->secret);
		if (d->client_id != NULL)
			printf(" client_id=%s", d->client_id);
		printf(" keys=%s%s%s%s%s%s\n", d->search.plate ? "plate," : "", d->search.id ? "id," : "",
			   d->search.time ? "time," : "", d->search.number ? "number," : "",
			   d->search.confidence ? "confidence," : "", d->search.latitude ? "latitude" : "");
	}
	exit(0);
}

static void
read_options(int argc, char **argv, struct options *o)
{
	static const struct option known[] = {{"port", required_argument, NULL, 'p'},
										  {"tls-port", required_argument, NULL, 't'},
										  {"tls-cert", required_argument, NULL, 'c'},
										  {"tls-key", required_argument, NULL, 'k'},
										  {"tls-client-ca", required_argument, NULL, 'a'},
										  {"port-file", required_argument, NULL, 'f'},
										  {"seed", required_argument, NULL, 's'},
										  {"log", required_argument, NULL, 'l'},
										  {"tls-priorities", required_argument, NULL, 'r'},
										  {"now", required_argument, NULL, 'n'},
										  {"dialects", no_argument, NULL, 'd'},
										  {NULL, 0, NULL, 0}};
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1)
	{
		switch (c)
		{
			case 'p':
				o->port = atoi(optarg);
				break;
			case 't':
				o->tls_port = atoi(optarg);
				break;
			case 'c':
				o->cert = file_text(optarg);
				break;
			case 'k':
				o->key = file_text(optarg);
				break;
			case 'a':
				o->client_ca = file_text(optarg);
				break;
			case 'f':
				o->port_file = optarg;
				break;
			case 's':
				o->seed = strtoull(optarg, NULL, 10);
				break;
			case 'l':
				o->log_file = optarg;
				break;
			case 'n':
				o->now = strtoll(optarg, NULL, 10) * SECOND;
				break;
			case 'd':
				tell_dialects();
				break;
			case 'r':
				o->priorities = optarg;
				break;
			default:
				usage();
		}
	}
	if (optind < argc || (o->tls_port >= 0 && (o->cert == NULL || o->key == NULL)))
		usage();
	want_client_certificate = o->client_ca != NULL;
}

static struct MHD_Daemon *
listen_on(int port, const struct options *o, bool tls)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t) port)};
	struct MHD_OptionItem tls_options[8];
	int n = 0;
	unsigned flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL | MHD_USE_ITC;
	struct MHD_Daemon *daemon;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (tls)
	{
		flags |= MHD_USE_TLS;
		tls_options[n++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_CERT, 0, o->cert};
		tls_options[n++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_KEY, 0, o->key};
		if (o->client_ca != NULL)
			tls_options[n++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_TRUST, 0, o->client_ca};
		if (o->priorities != NULL)
			tls_options[n++] =
				(struct MHD_OptionItem){MHD_OPTION_HTTPS_PRIORITIES, 0, (void *) (uintptr_t) o->priorities};
	}
	tls_options[n] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
	daemon = MHD_start_daemon(flags, 0, NULL, NULL, handle, tls ? (void *) o : NULL, MHD_OPTION_SOCK_ADDR, &address,
							  MHD_OPTION_URI_LOG_CALLBACK, request_begins, NULL, MHD_OPTION_NOTIFY_COMPLETED,
							  request_ends, NULL, MHD_OPTION_NOTIFY_CONNECTION, connection_changes, NULL,
							  MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t) (256 * 1024), MHD_OPTION_CONNECTION_LIMIT,
							  (unsigned) CONNECTIONS, MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u, MHD_OPTION_ARRAY,
							  tls_options, MHD_OPTION_END);
	if (daemon == NULL)
	{
		fprintf(stderr, "lpr-vendor: cannot listen on 127.0.0.1:%d\n", port);
		exit(1);
	}
	return daemon;
}

/* Tells the ports; the file appears complete or not at all. */
static void
tell_ports(const char *file, struct MHD_Daemon *http, struct MHD_Daemon *tls)
{
	char text[64];
	char temporary[4096];
	FILE *f;

	int n = snprintf(text, sizeof(text), "http=%u\n", MHD_get_daemon_info(http, MHD_DAEMON_INFO_BIND_PORT)->port);

	if (tls != NULL)
		snprintf(text + n, sizeof(text) - (size_t) n, "tls=%u\n",
				 MHD_get_daemon_info(tls, MHD_DAEMON_INFO_BIND_PORT)->port);
	if (file != NULL)
	{
		snprintf(temporary, sizeof(temporary), "%s.new", file);
		f = fopen(temporary, "w");
		if (f == NULL || fputs(text, f) == EOF || fclose(f) != 0 || rename(temporary, file) != 0)
		{
			perror(file);
			exit(1);
		}
	}
	fputs(text, stdout);
	fflush(stdout);
}

int
main(int argc, char **argv)
{
	struct options o = {.tls_port = -1, .seed = 1};
	struct MHD_Daemon *http;
	struct MHD_Daemon *tls = NULL;
	sigset_t signals;
	int got;

	read_options(argc, argv, &o);
	/* Pages are buffers of some hundred kB that come and go: keep their memory. */
	mallopt(M_MMAP_THRESHOLD, 32 << 20);
	mallopt(M_TRIM_THRESHOLD, 64 << 20);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	if (o.log_file != NULL && !log_open(o.log_file))
	{
		perror(o.log_file);
		return 1;
	}
	world_make(o.seed, o.now > 0 ? o.now : clock_us());
	http = listen_on(o.port, &o, false);
	if (o.tls_port >= 0)
		tls = listen_on(o.tls_port, &o, true);
	tell_ports(o.port_file, http, tls);
	sigwait(&signals, &got);
	stopping = true;
	MHD_stop_daemon(http);
	if (tls != NULL)
		MHD_stop_daemon(tls);
	log_close();
	for (int i = 0; dialects[i] != NULL; i++)
	{
		if (dialects[i]->end != NULL)
			dialects[i]->end();
	}
	world_end();
	free(o.cert);
	free(o.key);
	free(o.client_ca);
	return 0;
}
