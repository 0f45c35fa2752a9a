/*
 * purpose.h: the event that this session's questions are for when they name none (Q7).
 */
#ifndef LPR_PURPOSE_H
#define LPR_PURPOSE_H

#include "core/query.h"

extern void lpr_purpose_init(void);
extern LprEvent lpr_purpose_event(void);
extern void lpr_purpose_forget(void);

#endif
