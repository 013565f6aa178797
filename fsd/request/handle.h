/* Open files: the table of handles outlives the worker. */
#ifndef REQUEST_HANDLE_H
#define REQUEST_HANDLE_H

#include "request/server.h"

int handle_table_open(struct server *server);
/* A handle for an open file; 0 when there are too many. An OPEN that is sent again gets the one it has. */
uint64_t handle_open(struct server *server, uint32_t inode, uint32_t flags);
void handle_close(struct server *server, uint64_t number);
struct handle *handle_find(struct server *server, uint64_t number);

#endif
