/* libmapshare: shared memory that lasts.
 *
 * A file mapped by several unrelated processes is their shared memory; on a mapsharefs(8) mount its commits are atomic and durable.
 * The library works on any file; what needs the daemon fails elsewhere with ENOTSUP.
 *
 * All functions return -1 (or NULL, or MAP_FAILED) and set errno on failure. Unless said otherwise a function may be called from
 * any thread, also on the same struct mapshare at once; mapshare_close alone must be the last use of its argument.
 *
 * Each call has a manual page; start with libmapshare(3).
 */
#ifndef MAPSHARE_H
#define MAPSHARE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define MAPSHARE_API __attribute__((visibility("default")))
#else
#define MAPSHARE_API
#endif

#define MAPSHARE_VERSION_MAJOR 1
#define MAPSHARE_VERSION_MINOR 0
#define MAPSHARE_VERSION_PATCH 0
#define MAPSHARE_VERSION (MAPSHARE_VERSION_MAJOR * 10000 + MAPSHARE_VERSION_MINOR * 100 + MAPSHARE_VERSION_PATCH)

/** Pages, where something is told in pages, have so many bytes, on every machine. All else is in bytes. Since 1.0. */
#define MAPSHARE_PAGE_SIZE 4096

/** The version of the library that the program runs with, as MAPSHARE_VERSION is of the one it was built with. Cannot fail.
 * Thread-safe. Since: 1.0. */
MAPSHARE_API unsigned int mapshare_version(void);

/** A file that this process has open and mapped. Since 1.0. */
struct mapshare;

/** How mapshare_open() opens. Set all to zero for the defaults, then what is wanted. Since 1.0.
 *
 * struct_size lets programs and libraries of different versions meet: what the program's structure does not have is 0, and what the
 * library does not know must be 0 (EINVAL). */
struct mapshare_options {
    size_t struct_size;   /**< sizeof(struct mapshare_options); 0 means as in version 1.0 */
    uint64_t size;        /**< bytes the file shall have at least; grown by reserving blocks. 0: as it is */
    uint64_t reserve;     /**< bytes of address space to reserve for growth. 0: the size, at least 64 MiB */
    uint32_t flags;       /**< MAPSHARE_OPEN_ATOMIC, MAPSHARE_OPEN_POPULATE */
    uint32_t reserved[5]; /**< 0 */
};

#define MAPSHARE_OPEN_ATOMIC 0x1u   /**< make it an atomic file: only commits change what is durable (ENOTSUP off the mount) */
#define MAPSHARE_OPEN_POPULATE 0x2u /**< bring all pages in at once */

/** What a commit returns: that this commit, or a later one of the same file, is durable; so is all that was asked for. Since 1.0. */
struct mapshare_receipt {
    uint64_t sequence;    /**< of the commit; 0 where the file system has none */
    struct timespec time; /**< when it was durable, CLOCK_REALTIME */
};

/** The state of a page that differs from the store. Since 1.0. */
enum mapshare_page_state {
    MAPSHARE_PAGE_KERNEL = 1,    /**< stored to, still in the kernel's page cache */
    MAPSHARE_PAGE_RECEIVED = 2,  /**< in the daemon, not committed */
    MAPSHARE_PAGE_COMMITTED = 3, /**< durable in the journal, not yet in the store's file */
    MAPSHARE_PAGE_WRITEBACK = 4, /**< being written to the store's file now */
    MAPSHARE_PAGE_FAILED = 5     /**< kept after a write error */
};

/** A run of pages in one state. Since 1.0. */
struct mapshare_range {
    uint64_t first; /**< number of a page of MAPSHARE_PAGE_SIZE bytes, from 0 */
    uint64_t last;  /**< inclusive */
    uint32_t state; /**< MAPSHARE_PAGE_..., perhaps one that a later version knows */
    uint32_t reserved;
};

/** What mapshare_stat() tells. Counts are in pages of MAPSHARE_PAGE_SIZE bytes. Later versions add members at the end. Since 1.0. */
struct mapshare_status {
    uint64_t size;           /**< bytes, now */
    uint64_t committed_size; /**< bytes, as of the last commit (the size, off the mount) */
    struct timespec atime;
    struct timespec mtime;
    struct timespec ctime;
    struct mapshare_receipt commit; /**< the file's last commit */
    uint64_t kernel;                /**< dirty pages in the kernel; UINT64_MAX: cannot be asked */
    uint64_t received;
    uint64_t committed;
    uint64_t writeback;
    uint64_t failed;
    int32_t error;     /**< errno that the daemon keeps for the file, or 0 */
    uint32_t on_mount; /**< 1: the file is on a mapsharefs mount; 0: what needs the daemon fails with ENOTSUP */
    uint32_t atomic;   /**< 1: an atomic file */
    uint32_t reserved[5];
};

/** Opens path as open(2) does, makes sure that it has room, and maps it shared. Takes two descriptors, and one for the locks.
 *
 * oflags: O_RDWR or O_RDONLY, and of O_CREAT, O_EXCL, O_TRUNC, O_NOFOLLOW, O_NOATIME, O_NOCTTY, O_SYNC, O_DSYNC; O_CLOEXEC is
 * implied. mode: of a file that is created. options: NULL or as described above; sizes in bytes, rounded up to whole pages for the
 * reserve. O_TRUNC shrinks the file first, by the rules of mapshare_resize(). A file that was created stays, also after a failure.
 *
 * Returns NULL on failure: as open(2), mmap(2) and fallocate(2); EINVAL: other flags, O_TRUNC without O_RDWR, unknown options;
 * ENODEV: not a regular file; EBADF: the file should grow, but is opened for reading; EFBIG: more than there is of address space;
 * EBUSY: O_TRUNC, and another open maps the file; ENOTSUP: MAPSHARE_OPEN_ATOMIC off the mount. Thread-safe. Since: 1.0. */
MAPSHARE_API struct mapshare *mapshare_open(const char *path, int oflags, mode_t mode, const struct mapshare_options *options);

/** The same for a file that is open already, for reading and writing or for reading: on success fd belongs to ms, on failure it stays
 * the caller's.
 *
 * Returns NULL on failure: EBADF: not open, or for writing alone; else as mapshare_open(). Thread-safe. Since: 1.0. */
MAPSHARE_API struct mapshare *mapshare_fdopen(int fd, const struct mapshare_options *options);

/** Unmaps and frees ms; commits nothing. Must be the last use of ms in this process. What a child made by fork(2) inherited stays.
 *
 * EBUSY: the calling thread holds one of the file's locks, or this is the process's last open of the file and a thread has a share:
 * nothing was closed, ms is as it was. After any other failure ms is gone: as close(2). EINVAL: ms is NULL. Since: 1.0. */
MAPSHARE_API int mapshare_close(struct mapshare *ms);

/** The address of the file's first byte; the same until mapshare_close(). Cannot fail. Thread-safe. Since: 1.0. */
MAPSHARE_API void *mapshare_addr(const struct mapshare *ms);

/** The bytes that can be used at mapshare_addr() now: the size of the file, or the reserve if the file has outgrown it. Another
 * process may change it at any time. Cannot fail. Thread-safe. Since: 1.0. */
MAPSHARE_API size_t mapshare_size(const struct mapshare *ms);

/** The file's descriptor, which belongs to ms: do not close it. Cannot fail. Thread-safe. Since: 1.0. */
MAPSHARE_API int mapshare_fd(const struct mapshare *ms);

/** Gives the file size bytes; the address stays, and pointers into it stay good.
 *
 * Growing: new bytes are zero, their blocks are reserved, and when the call returns they can be used by every process that maps
 * the file with a reserve that reaches so far. Shrinking: refused while another open maps a page that goes, because a load there
 * would end that process with SIGBUS. Each mapshare_open() counts, also in the same process; a child made by fork(2) counts as its
 * parent; plain mmap(2) is not seen.
 *
 * EBADF: opened for reading; EBUSY: shrinking, see above; EFBIG: more than the reserve; EINVAL: 0; ENOSPC: the size stays;
 * ENOTSUP: anonymous memory; EACCES, EPERM, ENOLCK: shrinking, and the locks of the file cannot be used (see mapshare_lock).
 * Thread-safe. Since: 1.0. */
MAPSHARE_API int mapshare_resize(struct mapshare *ms, uint64_t size);

/** Makes the changes of length bytes from offset durable; widened to whole pages. length 0: up to the end of the file.
 *
 * flags: MS_SYNC: a commit, atomic on the mount, durable when the call returns. MS_ASYNC: starts sending the pages, which marks
 * the file's times, and does not wait; nothing is durable (plain msync(2) does nothing at all). MS_INVALIDATE with either: EBUSY
 * if a page is locked in memory. receipt: NULL, or where the number and time go of the file's last commit, which is this one or a later
 * one; all zero after MS_ASYNC.
 *
 * EINVAL: other flags, or offset beyond the end; EIO, ENOSPC: durable or not, whole either way; nothing is lost. Thread-safe. Since: 1.0. */
MAPSHARE_API int mapshare_sync(struct mapshare *ms, uint64_t offset, uint64_t length, int flags, struct mapshare_receipt *receipt);

/** Makes all changes of these count files durable in one commit: after a crash all are there, or none. A file may be listed twice.
 *
 * EINVAL: count is 0 or an entry NULL; ENOTSUP: a file is not on the mount; EBADF: opened for reading; EXDEV: different mounts;
 * EIO, ENOSPC: durable or not, whole either way; nothing is lost; ESTALE: the daemon's worker died again and again meanwhile. Thread-safe.
 * Since: 1.0. */
MAPSHARE_API int mapshare_commit(struct mapshare *const list[], size_t count, struct mapshare_receipt *receipt);

/** Takes back all changes of these count files since their last commits, in every mapping of every process, size and times included
 * (but ctime). A file may be listed twice. Of an atomic file the last commit is the program's own; of another one whoever made it, also the timer.
 * A file that no commit has had since it was made is empty again. A store that is made meanwhile is gone, or its whole page stays as it
 * was: hold the files' locks. Addresses stay; behind a file's new end a load is SIGBUS. receipt: NULL, or where the number and time go
 * of the latest of these commits.
 *
 * EINVAL: count is 0 or an entry NULL; ENOTSUP: a file is not on the mount, or its daemon is too old; EBADF: opened for reading; EXDEV:
 * different mounts; EIO, EUCLEAN: each file is as it was, or rolled back. Thread-safe. Since: 1.0. */
MAPSHARE_API int mapshare_rollback(struct mapshare *const list[], size_t count, struct mapshare_receipt *receipt);

/** Files as of one commit, to be read while others write and commit. Since 1.0. */
struct mapshare_view;

/** Takes a snapshot of these count files, at most 4,096 different ones: what their last commits left, of all of them at the same moment, so
 * that each commit is in it whole or not at all. What is not committed is not in it. Writers wait for no reader, but a commit that
 * replaces a page for the first time since puts the old one aside. The files must be open, for reading or writing, and may be closed,
 * changed, cut, rolled back or removed afterwards. A file may be listed twice. flags: 0.
 *
 * What later commits replace is kept in the store, up to snapshot_size of mapsharefs(8) for all snapshots; one for which there is no room
 * any more is over, and so is each one when the daemon's worker dies: reading it then fails with ESTALE. It takes a descriptor.
 *
 * Returns NULL on failure. EINVAL: count is 0, an entry NULL, or flags; ENOTSUP: a file is not on the mount, no folder of the mount can
 * be reached, or its daemon is too old; EXDEV: different mounts; EDQUOT: too many open files, each of these counted, of the user; ENOMEM,
 * EUCLEAN, EMFILE. To be ended with mapshare_snapshot_close(). Thread-safe. Since: 1.0. */
MAPSHARE_API struct mapshare_view *mapshare_snapshot(struct mapshare *const list[], size_t count, unsigned int flags);

/** Reads length bytes from offset of the file at place index of the list, as of the snapshot's commit. Returns how many: fewer at the end of
 * the file, 0 behind it.
 *
 * ESTALE: the snapshot is over, take another one; EINVAL: no such place, or offset and length are more than 2 PiB; EIO, EUCLEAN. Thread-safe.
 * Since: 1.0. */
MAPSHARE_API ssize_t mapshare_snapshot_read(struct mapshare_view *view, size_t index, void *buffer, size_t length, uint64_t offset);

/** The size of the file at place index of the list, as of the snapshot's commit. EINVAL: no such place; ESTALE: the snapshot is over.
 * Thread-safe. Since: 1.0. */
MAPSHARE_API int mapshare_snapshot_size(struct mapshare_view *view, size_t index, uint64_t *size);

/** The number of the mount's last commit that is in the snapshot: that of mapshare_commit() and mapshare_wait(). 0: there was none. Cannot
 * fail. Thread-safe. Since: 1.0. */
MAPSHARE_API uint64_t mapshare_snapshot_sequence(const struct mapshare_view *view);

/** Ends the snapshot: what was kept for it is given back. It also ends with the process. EINVAL: NULL. Since: 1.0. */
MAPSHARE_API int mapshare_snapshot_close(struct mapshare_view *view);

/** Waits until the file's last durable commit has this number or a later one, whoever makes it. timeout: how long, NULL for ever. Numbers
 * go on over a remount: what was committed before is reached.
 *
 * ETIMEDOUT; EINTR: a signal handler ran; EINVAL: not a time; ENOTSUP: off the mount. Thread-safe. Since: 1.0. */
MAPSHARE_API int mapshare_wait(struct mapshare *ms, uint64_t sequence, const struct timespec *timeout);

/** As mapshare_wait(), until a moment of CLOCK_MONOTONIC, so that it can be called again after EINTR. NULL: for ever. Thread-safe.
 * Since: 1.0. */
MAPSHARE_API int mapshare_wait_until(struct mapshare *ms, uint64_t sequence, const struct timespec *deadline);

/** What commits changed of a file: a run of pages, or its size. Since 1.0. */
struct mapshare_change {
    uint64_t sequence; /**< of the commit */
    uint64_t first;    /**< page number from 0 */
    uint64_t last;     /**< page number, inclusive; UINT64_MAX: to the end */
    uint64_t size;     /**< of the file as of this commit, bytes */
    uint32_t kind;     /**< MAPSHARE_CHANGE_STORED and so on */
    uint32_t reserved;
};

#define MAPSHARE_CHANGE_STORED 1u /**< these pages have other bytes. Since 1.0. */
#define MAPSHARE_CHANGE_HOLE 2u   /**< they are zeros without blocks. Since 1.0. */
#define MAPSHARE_CHANGE_CUT 3u /**< the file was cut in the first of them; what follows of the same commit came later. Since 1.0. */
#define MAPSHARE_CHANGE_GROWN 4u   /**< it reaches so far now; zeros, but for what is stored. Since 1.0. */
#define MAPSHARE_CHANGE_ANY 5u     /**< too many runs to be told: any page. Since 1.0. */
#define MAPSHARE_CHANGES_MOST 4096 /**< of one commit of a file. Since 1.0. */

/** What the commits of the file after the one with the number since changed, whoever made them: commit after commit, each one's changes
 * sorted, at most count of them, and of each commit all or none. All commits up to *upto are told then; give it as since the next
 * time, and again until 0 is returned. To begin with: the number in a receipt, or *upto of a call that failed with ERANGE.
 *
 * The daemon remembers the last 24,576 records of all files, at least; one has up to four changes, and with a short path of the file it is the only one
 * of a commit.
 *
 * Returns how many were stored. ERANGE: what is asked for is not known any more, or was before the mount, or such a commit there is
 * not: any page may have changed; ENOBUFS: the first of these commits has more than count, but no more than MAPSHARE_CHANGES_MOST;
 * EINVAL: upto is NULL, or ranges is and count is not 0; ENOTSUP: off the mount; ENOMEM. Thread-safe. Since: 1.0. */
MAPSHARE_API ssize_t mapshare_changes(struct mapshare *ms, uint64_t since, struct mapshare_change *changes, size_t count,
                                      uint64_t *upto);

/** What reading a descriptor of mapshare_event_fd() gives. Since 1.0. */
struct mapshare_event {
    uint64_t sequence; /**< of the file's last commit */
    uint64_t notices;  /**< notices, counted from some number on */
};

#define MAPSHARE_EVENT_COMMITS 0x1u /**< a commit of the file, whoever makes it. Since 1.0. */
#define MAPSHARE_EVENT_NOTICES 0x2u /**< mapshare_notify(). Since 1.0. */

/** A new descriptor for poll(2), epoll(7) and event loops, which is readable when something of what (a set of MAPSHARE_EVENT_...) has
 * happened since it was made, or read last. read(2) of sizeof(struct mapshare_event) bytes never waits: EAGAIN when nothing has. Make it, then look at
 * the file, then wait. The caller closes it; the file must not stay open for it.
 *
 * Returns -1 on failure: EINVAL: what is 0 or has other bits; EACCES: notices, and the caller may not write the file; ENOTSUP: off the
 * mount, or on one no folder of which is in reach; EMFILE. Thread-safe. Since: 1.0. */
MAPSHARE_API int mapshare_event_fd(struct mapshare *ms, uint32_t what);

/** The runs of pages that differ from the store, sorted; at most count of them are stored at ranges. Changes nothing.
 *
 * Returns how many runs there are, which may be more than count. EINVAL: ranges is NULL and count is not 0; ENOTSUP: off the
 * mount; ENOMEM. Thread-safe. Since: 1.0. */
MAPSHARE_API ssize_t mapshare_dirty(struct mapshare *ms, struct mapshare_range *ranges, size_t count);

/** Sizes, times and counters at out, which has size bytes: sizeof(struct mapshare_status). Off the mount, the counts are 0 but for
 * kernel, and the committed size is the size. Changes nothing. Members beyond size are left out; what the library does not know is 0.
 *
 * EINVAL: out is NULL or size 0; else as fstat(2). Thread-safe. Since: 1.0. */
MAPSHARE_API int mapshare_stat(struct mapshare *ms, struct mapshare_status *out, size_t size);

#define MAPSHARE_LOCKS 32u /**< a file has locks 0 to MAPSHARE_LOCKS - 1. Since 1.0. */

/** Takes the file's lock 0 alone, which one thread of one process does at a time, and waits while others have it. Nobody starves.
 *
 * The locks are not in the file, so locking dirties no page and none is held after a reboot. On a mount they are the daemon's: they live
 * as long as the file, for whoever has it open for writing, and are the same for all containers. Elsewhere they lie under /dev/shm,
 * for who may write the file. Those who may write a file can disturb its locks, but nothing else of each other.
 *
 * Returns 0, or 1: it is HELD as well, but an owner died with it, or a thread ended, and nobody has called mapshare_consistent() since:
 * what it guards may be half done. -1: EDEADLK: the calling thread has it alone already; EBADF: on a mount, and the file is opened for
 * reading; EACCES, EPERM: off the mount, the caller may not write the file, or the area was made by somebody who may not; ENOTSUP: on a
 * mount no folder of which is in reach; ENOLCK: more than 1024 processes use the file's locks; EINVAL. Thread-safe. Since: 1.0. */
MAPSHARE_API int mapshare_lock(struct mapshare *ms);

/** As mapshare_lock(), but does not wait. EBUSY: others have the lock. Thread-safe. Since: 1.0. */
MAPSHARE_API int mapshare_trylock(struct mapshare *ms);

/** As mapshare_lock(), but waits until a moment of CLOCK_MONOTONIC at most. ETIMEDOUT. Thread-safe. Since: 1.0. */
MAPSHARE_API int mapshare_timedlock(struct mapshare *ms, const struct timespec *deadline);

/** Takes a share of the file's lock 0, which any number of threads and processes may have while nobody has it alone. Who waits to have it
 * alone goes before those who come for a share later, so a thread must not take a second share, or the lock alone, while it has one.
 * A share belongs to the process; that of one that died is gone and nothing is told of it.
 *
 * Returns as mapshare_lock(). Thread-safe. Since: 1.0. */
MAPSHARE_API int mapshare_lock_shared(struct mapshare *ms);

/** The general form. number: below MAPSHARE_LOCKS. flags: MAPSHARE_LOCK_SHARED, MAPSHARE_LOCK_TRY. deadline: of CLOCK_MONOTONIC, or NULL.
 *
 * Returns as mapshare_lock(). EINVAL: another number or flag, or deadline not a time. Thread-safe. Since: 1.0. */
MAPSHARE_API int mapshare_lock_at(struct mapshare *ms, uint32_t number, uint32_t flags, const struct timespec *deadline);

#define MAPSHARE_LOCK_SHARED 0x1u /**< a share of it */
#define MAPSHARE_LOCK_TRY 0x2u    /**< do not wait: EBUSY */

/** Gives lock 0 back, or a share of it. EPERM: the calling thread does not have it alone, nor the process a share. Thread-safe.
 * Since: 1.0. */
MAPSHARE_API int mapshare_unlock(struct mapshare *ms);

/** The same of any lock. EINVAL: there is no such lock. Thread-safe. Since: 1.0. */
MAPSHARE_API int mapshare_unlock_at(struct mapshare *ms, uint32_t number);

/** Says that what lock 0 guards is in order again, after it was taken with 1.
 *
 * EPERM: the calling thread does not have the lock alone; EINVAL: it is in order. Thread-safe. Since: 1.0. */
MAPSHARE_API int mapshare_consistent(struct mapshare *ms);

/** The same of any lock. EINVAL also: there is no such lock. Thread-safe. Since: 1.0. */
MAPSHARE_API int mapshare_consistent_at(struct mapshare *ms, uint32_t number);

/** Adds 1 to the file's count of notices and wakes all who watch. What was stored before is seen by who has seen the notice. The count
 * is kept beside the locks, but belongs to who may open the file by its name.
 *
 * EACCES: the caller may not write the file; EPERM, ENOTSUP: as mapshare_lock(). Thread-safe. Since: 1.0. */
MAPSHARE_API int mapshare_notify(struct mapshare *ms);

/** Waits until the count of notices differs from *seen, and stores it there. Start with *seen 0, the count before the first notice.
 * timeout: how long, NULL for ever.
 *
 * ETIMEDOUT; EINTR: a signal handler ran; EINVAL: seen is NULL, or timeout not a time; EACCES: off the mount, the file is only readable
 * for the caller, and nobody who may write it has it open; EPERM, ENOTSUP: as mapshare_lock(). Thread-safe. Since: 1.0. */
MAPSHARE_API int mapshare_watch(struct mapshare *ms, uint64_t *seen, const struct timespec *timeout);

/** As mapshare_watch(), until a moment of CLOCK_MONOTONIC, so that it can be called again after EINTR. NULL: for ever. Thread-safe.
 * Since: 1.0. */
MAPSHARE_API int mapshare_watch_until(struct mapshare *ms, uint64_t *seen, const struct timespec *deadline);

/** Installs the handler for SIGBUS that mapshare_read() and mapshare_write() need; without it the first of them does. So a program can say
 * when. The handler passes each SIGBUS that is not of such a copy on to the handler that was there before. A program that installs its own
 * one later must call the one that it replaces, or these copies are not guarded any more.
 *
 * As sigaction(2). Thread-safe. Since: 1.0. */
MAPSHARE_API int mapshare_guard(void);

/** Copies length bytes at offset of the file to buffer: loads, with SIGBUS turned into an error.
 *
 * This needs mapshare_guard(), and does it at the first use. SIGBUS must not be blocked.
 *
 * Returns the bytes copied: fewer where the file ends, 0 beyond. EFAULT: a page of the file cannot be had; EINVAL: buffer is NULL.
 * Thread-safe. Since: 1.0. */
MAPSHARE_API ssize_t mapshare_read(struct mapshare *ms, void *buffer, size_t length, uint64_t offset);

/** The other way: copies length bytes of buffer to offset of the file, by stores. It never makes the file longer.
 *
 * As mapshare_read(), and EBADF: opened for reading. Thread-safe. Since: 1.0. */
MAPSHARE_API ssize_t mapshare_write(struct mapshare *ms, const void *buffer, size_t length, uint64_t offset);

/** Shared memory of size bytes without a file: zero at first, of this size for ever, gone with its last user. A child made by
 * fork(2) shares it.
 *
 * Returns NULL on failure: EINVAL: 0; ENOMEM; as memfd_create(2) and mmap(2). Thread-safe. Since: 1.0. */
MAPSHARE_API struct mapshare *mapshare_anonymous(size_t size);

/** Hands the memory or the file of ms, with the right to use it as ms may, to the process at the other end of a unix(7) socket.
 *
 * As sendmsg(2). Thread-safe. Since: 1.0. */
MAPSHARE_API int mapshare_send(struct mapshare *ms, int socket);

/** Takes what mapshare_send() sent; to be closed on its own. The lock works between users who may write it, see mapshare_lock().
 * At most 1 GiB of address space is reserved for a file, or its size.
 *
 * Returns NULL on failure: ENOTCONN: the other side is closed; EPROTO: this is not from mapshare_send(); EPERM: memory whose size
 * the sender could change; as recvmsg(2) and mmap(2). Thread-safe. Since: 1.0. */
MAPSHARE_API struct mapshare *mapshare_receive(int socket);

#ifdef __cplusplus
}
#endif

#endif
