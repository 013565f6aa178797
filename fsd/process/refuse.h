/* When the worker dies too often: clients get EIO instead of waiting, or of finding the bare mount point, and what was received is kept. Nothing here
 * needs what workers died of: truth is read, the store's files are not touched.
 */
#ifndef PROCESS_REFUSE_H
#define PROCESS_REFUSE_H

#include "process/daemon.h"

/* A process that answers all requests with EIO, but for pages that the kernel writes back and the ends of open files: those wait for the next worker.
 * `all`: there will be none. It exits with 0 when the mount is gone. Its number, or -1. */
pid_t refuse_start(struct daemon *daemon, bool all);

/* A process that writes the pages which no commit has into the private folder: one file for each that they are of, named by its inode number, with holes
 * elsewhere. Exits with 0 when all are there. Its number, or -1. */
pid_t refuse_save(struct daemon *daemon);

/* How many pages no commit has. */
uint64_t refuse_count(const struct arena *arena);

#endif
