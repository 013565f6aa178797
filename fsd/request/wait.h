/* Requests that wait for a commit that others make. */
#ifndef REQUEST_WAIT_H
#define REQUEST_WAIT_H

#include "mapshare-abi.h"
#include "request/server.h"

void wait_for_commit(fuse_req_t request, struct server *server, uint32_t file, const struct mapshare_abi_wait *in);
/* Answer those whose commit, time or interrupt came. */
void wait_answer_all(struct server *server);

#endif
