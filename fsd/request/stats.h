/* The attribute that shows the whole mount's numbers. */
#ifndef REQUEST_STATS_H
#define REQUEST_STATS_H

#include "request/server.h"

void stats_get(fuse_req_t request, size_t size);

#endif
