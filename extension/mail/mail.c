/*
 * mail.c: what others see of the mail worker: its settings, how it stands, how it is woken.
 */
#include "mail/mail_internal.h"

#include "access/xact.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/shmem.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "server/compat.h"
#include "mail/message.h"
#include "server/worker.h"

#define REASON_ROOM 600

char *lpr_smtp_url = NULL;
char *lpr_smtp_sender = NULL;
char *lpr_smtp_user = NULL;
char *lpr_smtp_secret = NULL;
char *lpr_smtp_ca_file = NULL;
int lpr_smtp_timeout_s = 60;

typedef struct LprMailer
{
	LprMailerState state;
	char reason[REASON_ROOM];
	int worker; /* its place among the processes, -1 = none */
	bool mails_wait;
} LprMailer;

static LprMailer *mailer = NULL;
static LWLock *lock = NULL;
static bool is_worker = false; /* this process is the mail worker */

/* ---- settings ---- */

static bool
check_smtp_url(char **newval, void **extra, GucSource source)
{
	const char *url = *newval == NULL ? "" : *newval;

	if (*url == '\0' ||
		((strncmp(url, "smtp://", 7) == 0 || strncmp(url, "smtps://", 8) == 0) && strchr(url, '@') == NULL))
		return true;
	GUC_check_errdetail("It has the form smtp://host:port or smtps://host:port, without a login.");
	return false;
}

static bool
check_smtp_sender(char **newval, void **extra, GucSource source)
{
	if (*newval == NULL || **newval == '\0' || lpr_message_address(*newval))
		return true;
	GUC_check_errdetail("It is one address, of the form name@host, in ASCII.");
	return false;
}

static bool
check_smtp_user(char **newval, void **extra, GucSource source)
{
	for (const unsigned char *c = (const unsigned char *) (*newval == NULL ? "" : *newval); *c; c++)
		if (*c < 0x20 || *c == 0x7f)
		{
			GUC_check_errdetail("It holds a control character.");
			return false;
		}
	return true;
}

static bool
check_smtp_ca_file(char **newval, void **extra, GucSource source)
{
	if (*newval == NULL || **newval == '\0' || is_absolute_path(*newval))
		return true;
	GUC_check_errdetail("It must be an absolute path.");
	return false;
}

void
lpr_mail_define_settings(void)
{
	DefineCustomStringVariable(
		"lpr.smtp_url", "The mail server: smtp://host:port, with STARTTLS, or smtps://host:port.",
		"Empty = mail waits. In the open mail is sent to this machine itself only, and only without lpr.smtp_user and "
		"lpr.smtp_ca_file.",
		&lpr_smtp_url, "", PGC_SIGHUP, GUC_SUPERUSER_ONLY, check_smtp_url, NULL, NULL);
	DefineCustomStringVariable("lpr.smtp_sender", "The address that mail comes from.", NULL, &lpr_smtp_sender, "",
							   PGC_SIGHUP, GUC_SUPERUSER_ONLY, check_smtp_sender, NULL, NULL);
	DefineCustomStringVariable("lpr.smtp_user", "The login at the mail server.", "Empty = none.", &lpr_smtp_user, "",
							   PGC_SIGHUP, GUC_SUPERUSER_ONLY, check_smtp_user, NULL, NULL);
	DefineCustomStringVariable("lpr.smtp_secret", "Name of the secret that holds the password of that login.",
							   "A file of lpr.secret_directory, or a row made with lpr.store_secret().",
							   &lpr_smtp_secret, "smtp", PGC_SIGHUP, GUC_SUPERUSER_ONLY, NULL, NULL, NULL);
	DefineCustomStringVariable("lpr.smtp_ca_file", "File of the CA that the mail server's certificate comes from.",
							   "An absolute path. Empty = the system's.", &lpr_smtp_ca_file, "", PGC_SIGHUP,
							   GUC_SUPERUSER_ONLY, check_smtp_ca_file, NULL, NULL);
	DefineCustomIntVariable("lpr.smtp_timeout", "How long the mail server may be silent.",
							"Ten times that once it has the whole message, since another try could be a second mail.",
							&lpr_smtp_timeout_s, 60, 1, 600, PGC_SIGHUP, GUC_UNIT_S | GUC_SUPERUSER_ONLY, NULL, NULL,
							NULL);
}

/* ---- shared memory ---- */

Size
lpr_mail_shmem_size(void)
{
	return MAXALIGN(sizeof(LprMailer));
}

void
lpr_mail_shmem_init(void)
{
	bool found;

	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	mailer = ShmemInitStruct("lpr mail", lpr_mail_shmem_size(), &found);
	if (!found)
	{
		memset(mailer, 0, sizeof(*mailer));
		mailer->state = LPR_MAILER_DOWN;
		mailer->worker = -1;
	}
	LWLockRelease(AddinShmemInitLock);
	lock = &GetNamedLWLockTranche("lpr mail")->lock;
}

void
lpr_mail_register(void)
{
	lpr_worker_register("lpr mail", "lpr_mail_main", 5);
}

static void
detach_mailer(int code, Datum arg)
{
	LWLockAcquire(lock, LW_EXCLUSIVE);
	mailer->worker = -1;
	mailer->state = LPR_MAILER_DOWN;
	mailer->reason[0] = '\0';
	LWLockRelease(lock);
}

void
lpr_mailer_attach(void)
{
	is_worker = true;
	LWLockAcquire(lock, LW_EXCLUSIVE);
	mailer->worker = LPR_MY_PROC_NUMBER;
	mailer->mails_wait = true;
	LWLockRelease(lock);
	before_shmem_exit(detach_mailer, (Datum) 0);
}

void
lpr_mailer_publish(LprMailerState state, const char *reason)
{
	/* Nobody else publishes. */
	if (mailer->state == state && strncmp(mailer->reason, reason, REASON_ROOM - 1) == 0)
		return;
	LWLockAcquire(lock, LW_EXCLUSIVE);
	mailer->state = state;
	strlcpy(mailer->reason, reason, REASON_ROOM);
	LWLockRelease(lock);
}

bool
lpr_mailer_take_wait(void)
{
	bool waits;

	LWLockAcquire(lock, LW_EXCLUSIVE);
	waits = mailer->mails_wait;
	mailer->mails_wait = false;
	LWLockRelease(lock);
	return waits;
}

/* ---- SQL ---- */

/* Set while this transaction has mails for the worker. */
static bool posted = false;

static void
tell_worker(XactEvent event, void *arg)
{
	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_PREPARE && event != XACT_EVENT_ABORT)
		return;
	if (posted && event != XACT_EVENT_ABORT && mailer != NULL)
	{
		int worker;

		LWLockAcquire(lock, LW_EXCLUSIVE);
		mailer->mails_wait = true;
		worker = mailer->worker;
		LWLockRelease(lock);
		if (worker >= 0)
			SetLatch(&ProcGlobal->allProcs[worker].procLatch);
	}
	posted = false;
}

PG_FUNCTION_INFO_V1(lpr_wake_mail);
Datum
lpr_wake_mail(PG_FUNCTION_ARGS)
{
	static bool registered = false;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("lpr_data.wake_mail() was not called as a trigger")));
	if (!registered)
		RegisterXactCallback(tell_worker, NULL);
	registered = true;
	/* the worker looks after its own updates by itself */
	posted = !is_worker;
	PG_RETURN_POINTER(NULL);
}

PG_FUNCTION_INFO_V1(lpr_mailer);
Datum
lpr_mailer(PG_FUNCTION_ARGS)
{
	static const char *const states[] = {
		[LPR_MAILER_DOWN] = "down",
		[LPR_MAILER_OFF] = "off",
		[LPR_MAILER_READY] = "ready",
		[LPR_MAILER_STUCK] = "stuck",
	};
	LprMailerState state = LPR_MAILER_DOWN;
	char reason[REASON_ROOM] = "lpr was not loaded at server start";
	TupleDesc desc;
	Datum values[2];
	bool nulls[2] = {false, false};

	if (mailer != NULL)
	{
		LWLockAcquire(lock, LW_SHARED);
		state = mailer->state;
		strlcpy(reason, mailer->reason, sizeof(reason));
		LWLockRelease(lock);
	}
	values[0] = CStringGetTextDatum(states[state]);
	values[1] = CStringGetTextDatum(reason);
	nulls[1] = reason[0] == '\0';
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
