/* Requests that wait for a commit that others make. One costs nothing until a commit of its own file is made. */
#ifndef REQUEST_WAIT_H
#define REQUEST_WAIT_H

#include "mapshare-abi.h"
#include "request/server.h"

int wait_table_open(struct server *server);
void wait_for_commit(fuse_req_t request, struct server *server, uint32_t file, const struct mapshare_abi_wait *in);
/* The same of the mount's root: a commit of any file. */
void wait_for_any(fuse_req_t request, struct server *server, const struct mapshare_abi_wait *in);
/* A commit of the file (0: of any) was made: answers those whom it concerns. */
void wait_answer(struct server *server, uint32_t file);
/* Answers those whose time or interrupt came; by the worker's main thread, now and then. */
void wait_tick(struct server *server);
/* The lock of the waits is held. */
bool wait_is_empty(const struct server *server);

#endif
