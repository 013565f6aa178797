/* MAPSHARE_IOC_VERIFY: are the arena's records sound? */
#ifndef REQUEST_VERIFY_H
#define REQUEST_VERIFY_H

#include "request/server.h"

void verify_serve(fuse_req_t request, uint32_t inode);

#endif
