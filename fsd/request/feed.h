/* Reading the feed: MAPSHARE_IOC_FEED. */
#ifndef REQUEST_FEED_H
#define REQUEST_FEED_H

#include "mapshare-abi.h"
#include "request/server.h"

void feed_serve(fuse_req_t request, uint32_t inode, const struct handle *handle, const struct mapshare_abi_feed *in);
/* Of the last commit of any file that the feed tells of. */
uint64_t feed_sequence(const struct server *server);

#endif
