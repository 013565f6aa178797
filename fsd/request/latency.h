/* MAPSHARE_IOC_LATENCY: what all threads have counted. */
#ifndef REQUEST_LATENCY_H
#define REQUEST_LATENCY_H

#include <fuse_lowlevel.h>
#include <stdint.h>

void latency_serve(fuse_req_t request, uint32_t inode);

#endif
