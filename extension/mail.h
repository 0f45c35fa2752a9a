/*
 * mail.h: a worker of its own sends what stands in the outbox, lpr_data.mail (A2): a slow or dead mail server holds up no question and no checkpoint.
 */
#ifndef LPR_MAIL_H
#define LPR_MAIL_H

#include "postgres.h"

extern Size lpr_mail_shmem_size(void);
extern void lpr_mail_shmem_init(void);

#endif
