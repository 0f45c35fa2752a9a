/*
 * audit_deliver.h: a worker of its own hands checkpoints over to a place outside the database: a slow disk or command
 * there holds up no question.
 */
#ifndef LPR_AUDIT_DELIVER_H
#define LPR_AUDIT_DELIVER_H

#include "postgres.h"
#include "utils/guc.h"

extern char *lpr_checkpoint_directory; /* GUC, "" = none */
extern char *lpr_checkpoint_command;   /* GUC, "" = none */
extern bool lpr_checkpoint_check_directory(char **newval, void **extra, GucSource source);

extern void lpr_audit_deliver_register(void);
extern PGDLLEXPORT void lpr_audit_deliver_main(Datum argument);

#endif
