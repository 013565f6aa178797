/* MAPSHARE_IOC_FILES: which files have something that is not in the store? */
#ifndef REQUEST_LISTING_H
#define REQUEST_LISTING_H

#include "request/server.h"

void listing_serve(fuse_req_t request, uint32_t inode, const void *in);

#endif
