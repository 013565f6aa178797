/* Operations on backing files, behind one small struct so that tests can put a serial, a faulty or a crashing one in its place.
 *
 * Every call waits until it is done and returns 0 or -errno. Calls may come from several threads at once. No other file of the
 * daemon writes to the store's files; directory operations (create, rename, ...) are plain system calls in request/.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

struct store_write {
    int fd;
    int result; /* out: 0 or -errno; a short write is completed or becomes an error */
    off_t offset;
    struct iovec *iov; /* page-aligned memory and lengths; may be modified */
    int iovcnt;
};

struct store;

struct store_operations {
    /* All of the batch, in any order, a bounded number at a time. Returns the first error; each write has its own result. */
    int (*write)(struct store *store, struct store_write *writes, size_t count);
    int (*flush)(struct store *store, int fd); /* fdatasync: all completed writes of the file are durable */
    int (*truncate)(struct store *store, int fd, off_t size);
    int (*punch)(struct store *store, int fd, off_t offset, off_t length); /* reads as zeros; the size stays */
    int (*set_times)(struct store *store, int fd, const struct timespec times[2]);
    int (*sync)(struct store *store, int fd); /* fsync: as flush, and the times too, which fdatasync may leave out */
    /* syncfs: the same for all files of the file system but for what its disk may keep to itself, which a sync of one of them then flushes.
     * May be NULL: each file is synced. */
    int (*sync_all)(struct store *store, int fd);
    void (*close)(struct store *store);
};

/* Reads up to the end of the file: bytes or -errno. Much at once that the page cache has none of goes past it. */
ssize_t store_read(int fd, void *buffer, size_t size, off_t offset);

/* Implementations embed this as their first member. */
struct store {
    const struct store_operations *operations;
};

/* io_uring where the kernel has it, with at most `depth` writes in flight. The process may end before they do: so the lock (a
 * descriptor; -1: none) stays open, and locked, until they have. `under_way` (may be NULL) counts the calls that wait for the disk. */
int store_open_uring(struct store **out, unsigned depth, int lock, _Atomic uint32_t *under_way);
/* Closes a descriptor that a dead process left in our table, after the writes to the store that go through it have ended. 0, or
 * -errno: they may not have. */
int store_end_orphan(int fd);
/* Plain pwritev: the fallback, and the deterministic twin for tests. */
int store_open_serial(struct store **out);
void store_close(struct store *store);

#endif
