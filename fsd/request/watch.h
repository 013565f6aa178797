/* Descriptors of events: readable when their file has a commit or a notice that was not told yet.
 *
 * What is told is in the handle, so that a worker's death loses nothing. Who polls has a number of the kernel's there, too: the next worker wakes
 * all, and they ask again. */
#ifndef REQUEST_WATCH_H
#define REQUEST_WATCH_H

#include "request/server.h"

/* An open of the file's events: a handle, which watches nothing yet. */
void watch_open(fuse_req_t request, uint32_t inode, struct fuse_file_info *info);
/* MAPSHARE_IOC_WATCH; `at`: MAPSHARE_ABI_AT_... */
int watch_begin(struct server *server, uint64_t number, uint32_t at);
void watch_read(fuse_req_t request, uint64_t number, size_t size);

/* MAPSHARE_IOC_NOTIFIED: the file has one notice more. */
void watch_notice(struct server *server, uint32_t inode);
/* When the session goes on. */
void watch_take_over(struct server *server);

#endif
