/* A client takes back what no commit has. It comes as a hole over all of the file (mapshare-abi.h): the kernel has sent what it had, lets nobody
 * else change the file meanwhile, and with our answer drops its pages, also if its client or our worker was killed meanwhile. No process of ours
 * need tell it to, which could wait for pages that nobody takes any more. */
#ifndef REQUEST_ROLLBACK_H
#define REQUEST_ROLLBACK_H

#include "request/server.h"

bool rollback_is(int mode, off_t offset, off_t length);
/* Parked until no commit is being made. */
void rollback_serve(fuse_req_t request, uint32_t file);
/* Before requests are served: a client that was killed together with a worker does not ask again, and its kernel keeps its pages. */
void rollback_take_over(struct server *server);

#endif
