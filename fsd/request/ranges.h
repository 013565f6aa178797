/* The states of a file's pages, for the library. */
#ifndef REQUEST_RANGES_H
#define REQUEST_RANGES_H

#include "mapshare-abi.h"
#include "request/server.h"

void ranges_get(fuse_req_t request, struct server *server, uint32_t inode, const struct mapshare_abi_ranges *in);

#endif
