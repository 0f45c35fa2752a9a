/*
 * http_internal.h: what the files of the engine share: http_transfer.c (transfers), http_loop.c (waiting), http.c
 * (requests), http_reply.c (replies and retries), http_body.c (their memory), http_socket.c, http_fault.c.
 */
#ifndef LPR_HTTP_INTERNAL_H
#define LPR_HTTP_INTERNAL_H

#include "http/transfer.h"

/* http_loop.c */
extern void lpr_engine_init(void);
extern void lpr_engine_add(LprTransfer *transfer); /* to the list of what is outstanding */
extern void lpr_engine_remove(LprTransfer *transfer);
extern void lpr_engine_detach(LprTransfer *transfer); /* from the multi, between tries */
extern void lpr_engine_launch(LprTransfer *transfer); /* when its turn has come; else WAITING */
extern void lpr_engine_drive(void);
extern void lpr_engine_changed(void); /* makes a wait return */

/* http_reply.c */
extern size_t lpr_reply_header(char *data, size_t size, size_t count, void *arg);
extern void lpr_reply_finish(LprTransfer *transfer, CURLcode code);

/* http_body.c */
extern void lpr_buffer_recycle(LprBuffer *buffer);

/* http_socket.c */
extern curl_socket_t lpr_socket_open(void *arg, curlsocktype purpose, struct curl_sockaddr *address);
extern int lpr_socket_close(void *arg, curl_socket_t fd);
extern void lpr_sockets_reconcile(void);

/* http_fault.c */
extern void lpr_http_explain_status(LprTransfer *transfer);

#endif
