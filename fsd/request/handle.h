/* Open files: the table of handles outlives the worker. */
#ifndef REQUEST_HANDLE_H
#define REQUEST_HANDLE_H

#include "request/server.h"

int handle_table_open(struct server *server);
/* A handle for an open file: its number. An OPEN that is sent again gets the one it has. -EDQUOT: its user has as many as one may have, -ENFILE. */
int handle_open(struct server *server, uint32_t inode, uint32_t flags, uint64_t *number);
/* Whether the request's user may have one more: to be asked before something is made for it. */
int handle_check(struct server *server);
void handle_close(struct server *server, uint64_t number);
struct handle *handle_find(struct server *server, uint64_t number);

#endif
