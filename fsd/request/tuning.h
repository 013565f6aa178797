/* What can be changed while it is mounted: mapshare set. */
#ifndef REQUEST_TUNING_H
#define REQUEST_TUNING_H

#include "mapshare-abi.h"
#include "request/server.h"

/* A worker's beginning: as it holds, made sound where it is damaged. */
void tuning_begin(struct server *server);
/* As it is, with what can be changed as it holds. */
struct options tuning_options(const struct server *server);
/* MAPSHARE_IOC_SET */
void tuning_serve(fuse_req_t request, uint32_t inode, const struct mapshare_abi_set *in);

#endif
