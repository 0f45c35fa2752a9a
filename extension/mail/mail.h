/*
 * mail.h: a worker of its own sends what stands in the outbox, lpr_data.mail (A2): a slow or dead mail server holds up
 * no question and no checkpoint.
 */
#ifndef LPR_MAIL_H
#define LPR_MAIL_H

#include "postgres.h"

/* Settings, shared memory and the worker: to be called where the library starts. */
extern void lpr_mail_define_settings(void);
extern Size lpr_mail_shmem_size(void);
extern void lpr_mail_shmem_init(void);
extern void lpr_mail_register(void);
extern PGDLLEXPORT void lpr_mail_main(Datum argument);

#endif
