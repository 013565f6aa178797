/* What every implementation of the store does by one plain system call. Each returns 0 or -errno. */
#ifndef STORE_SYSCALLS_H
#define STORE_SYSCALLS_H

#include <stdbool.h>
#include <stddef.h>

#include "store/store.h"

/* Writes all of it, over short writes, interruptions and more than IOV_MAX pieces. Returns and sets the result. */
int syscalls_write(struct store_write *write);
/* One after the other. Returns the first error; each write has its own result. */
int syscalls_write_all(struct store_write *writes, size_t count);
/* Drop `done` bytes from the front of what is still to be written. True while something is left. */
bool syscalls_advance(struct store_write *write, size_t done);

int syscalls_flush(struct store *store, int fd);
int syscalls_truncate(struct store *store, int fd, off_t size);
int syscalls_punch(struct store *store, int fd, off_t offset, off_t length);
int syscalls_set_times(struct store *store, int fd, const struct timespec times[2]);
int syscalls_sync(struct store *store, int fd);
int syscalls_sync_all(struct store *store, int fd);

#endif
