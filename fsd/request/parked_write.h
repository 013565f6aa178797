/* WRITEs of the kernel's page cache that found no room, neither in memory nor in the spill file: an error would make the kernel drop the page,
 * and a thread that waited would be missed by all others. They are tried again until there is room; those of an atomic file,
 * of which nothing may be committed for the sake of memory, for ten seconds. */
#ifndef REQUEST_PARKED_WRITE_H
#define REQUEST_PARKED_WRITE_H

#include <linux/fuse.h>

#include "request/server.h"

/* The rest of the thread's WRITE, of which `done` bytes were taken, is parked: it is answered later. False when too much is parked already. */
bool write_park(struct server *server, uint32_t inode, uint32_t file, const struct fuse_write_in *in, size_t done);
void write_retry_parked(struct server *server);

#endif
