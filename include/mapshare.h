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

/** A file that this process has open and mapped. Since 1.0. */
struct mapshare;

/** How mapshare_open() opens. Set all to zero for the defaults, then what is wanted. Since 1.0. */
struct mapshare_options {
    size_t struct_size;   /**< sizeof(struct mapshare_options); 0 means the same */
    uint64_t size;        /**< bytes the file shall have at least; grown by reserving blocks. 0: as it is */
    uint64_t reserve;     /**< bytes of address space to reserve for growth. 0: the size, at least 64 MiB */
    uint32_t flags;       /**< MAPSHARE_ATOMIC, MAPSHARE_POPULATE */
    uint32_t reserved[5]; /**< 0 */
};

#define MAPSHARE_ATOMIC 0x1u   /**< make it an atomic file: only commits change what is durable (ENOTSUP off the mount) */
#define MAPSHARE_POPULATE 0x2u /**< bring all pages in at once */

/** What a commit returns. Since 1.0. */
struct mapshare_receipt {
    uint64_t sequence;    /**< of the commit; 0 where the file system has none */
    struct timespec time; /**< when it was durable, CLOCK_REALTIME */
};

/** The state of a page that differs from the store. Since 1.0. */
enum mapshare_page_state {
    MAPSHARE_KERNEL = 1,    /**< stored to, still in the kernel's page cache */
    MAPSHARE_RECEIVED = 2,  /**< in the daemon, not committed */
    MAPSHARE_COMMITTED = 3, /**< durable in the journal, not yet in the store's file */
    MAPSHARE_WRITEBACK = 4, /**< being written to the store's file now */
    MAPSHARE_FAILED = 5     /**< kept after a write error */
};

/** A run of pages in one state. Since 1.0. */
struct mapshare_range {
    uint64_t first; /**< page number, from 0 */
    uint64_t last;  /**< inclusive */
    enum mapshare_page_state state;
    uint32_t reserved;
};

/** What mapshare_stat() tells. Page counts are in pages of 4096 bytes. Since 1.0. */
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

/** Opens path as open(2) does, makes sure that it has room, and maps it shared. Takes two descriptors.
 *
 * oflags: O_RDWR or O_RDONLY, and of O_CREAT, O_EXCL, O_TRUNC, O_NOFOLLOW, O_NOATIME, O_NOCTTY, O_SYNC, O_DSYNC; O_CLOEXEC is
 * implied. mode: of a file that is created. options: NULL or as described above; sizes in bytes, rounded up to whole pages for the
 * reserve. O_TRUNC shrinks the file first, by the rules of mapshare_resize(). A file that was created stays, also after a failure.
 *
 * Returns NULL on failure: as open(2), mmap(2) and fallocate(2); EINVAL: other flags, O_TRUNC without O_RDWR, unknown options;
 * ENODEV: not a regular file; EBADF: the file should grow, but is opened for reading; EFBIG: more than there is of address space;
 * EBUSY: O_TRUNC, and another open maps the file; ENOTSUP: MAPSHARE_ATOMIC off the mount. Thread-safe. Since: 1.0. */
MAPSHARE_API struct mapshare *mapshare_open(const char *path, int oflags, mode_t mode, const struct mapshare_options *options);

/** Unmaps and frees ms; commits nothing. Must be the last use of ms in this process. What a child made by fork(2) inherited stays.
 *
 * EINVAL: ms is NULL; EBUSY: the calling thread holds the lock, nothing was closed; else as close(2). Since: 1.0. */
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
 * ENOTSUP: anonymous memory; EACCES, EPERM: shrinking, and the shared area of the file cannot be used (see mapshare_lock).
 * Thread-safe. Since: 1.0. */
MAPSHARE_API int mapshare_resize(struct mapshare *ms, uint64_t size);

/** Makes the changes of length bytes from offset durable; widened to whole pages. length 0: up to the end of the file.
 *
 * flags: MS_SYNC: a commit, atomic on the mount, durable when the call returns. MS_ASYNC: starts sending the pages, which marks
 * the file's times, and does not wait; nothing is durable (plain msync(2) does nothing at all). MS_INVALIDATE with either: EBUSY
 * if a page is locked in memory. receipt: NULL, or where the commit's number and time go; all zero after MS_ASYNC.
 *
 * EINVAL: other flags, or offset beyond the end; EIO, ENOSPC: durable or not, whole either way; nothing is lost. Thread-safe. Since: 1.0. */
MAPSHARE_API int mapshare_sync(struct mapshare *ms, uint64_t offset, uint64_t length, int flags, struct mapshare_receipt *receipt);

/** Makes all changes of these count files durable in one commit: after a crash all are there, or none. A file may be listed twice.
 *
 * EINVAL: count is 0 or an entry NULL; ENOTSUP: a file is not on the mount; EBADF: opened for reading; EXDEV: different mounts;
 * EIO, ENOSPC: durable or not, whole either way; nothing is lost; ESTALE: the daemon's worker died again and again meanwhile. Thread-safe.
 * Since: 1.0. */
MAPSHARE_API int mapshare_commit(struct mapshare *const list[], size_t count, struct mapshare_receipt *receipt);

/** Waits until the file's last durable commit has this number or a later one, whoever makes it. timeout: how long, NULL for ever.
 *
 * ETIMEDOUT; EINTR: a signal handler ran; EINVAL: not a time; ENOTSUP: off the mount. Thread-safe. Since: 1.0. */
MAPSHARE_API int mapshare_wait(struct mapshare *ms, uint64_t sequence, const struct timespec *timeout);

/** The runs of pages that differ from the store, sorted; at most count of them are stored at ranges. Changes nothing.
 *
 * Returns how many runs there are, which may be more than count. EINVAL: ranges is NULL and count is not 0; ENOTSUP: off the
 * mount; ENOMEM. Thread-safe. Since: 1.0. */
MAPSHARE_API ssize_t mapshare_dirty(struct mapshare *ms, struct mapshare_range *ranges, size_t count);

/** Sizes, times and counters at out. Off the mount, the counts are 0 but for kernel, and the committed size is the size. Changes
 * nothing.
 *
 * EINVAL: out is NULL; else as fstat(2). Thread-safe. Since: 1.0. */
MAPSHARE_API int mapshare_stat(struct mapshare *ms, struct mapshare_status *out);

/** Takes the file's lock, which one thread of one process holds at a time, and waits while another has it. Nobody starves.
 *
 * The lock is not in the file but in a shared area under /dev/shm, so locking dirties no page and no lock is held after a reboot.
 * The area can be used by who may write the file; these users must trust one another.
 *
 * EOWNERDEAD: the last owner died, or went without mapshare_consistent() after that: the caller HOLDS the lock, and what it guards
 * may be half done; EDEADLK: the calling thread has it already; EACCES: the caller may not write the area; EPERM: the area was
 * made by somebody who may not write the file; ENOTSUP: the area belongs to another process namespace. Thread-safe. Since: 1.0. */
MAPSHARE_API int mapshare_lock(struct mapshare *ms);

/** As mapshare_lock(), but does not wait. EBUSY: another thread holds the lock. Thread-safe. Since: 1.0. */
MAPSHARE_API int mapshare_trylock(struct mapshare *ms);

/** Gives the lock back. EPERM: the calling thread does not hold it. Thread-safe. Since: 1.0. */
MAPSHARE_API int mapshare_unlock(struct mapshare *ms);

/** Says that what the lock guards is in order again, after EOWNERDEAD.
 *
 * EPERM: the calling thread does not hold the lock; EINVAL: it was not reported as EOWNERDEAD. Thread-safe. Since: 1.0. */
MAPSHARE_API int mapshare_consistent(struct mapshare *ms);

/** Adds 1 to the file's count of notices and wakes all who watch. What was stored before is seen by who has seen the notice.
 *
 * EACCES, EPERM: as mapshare_lock(). Thread-safe. Since: 1.0. */
MAPSHARE_API int mapshare_notify(struct mapshare *ms);

/** Waits until the count of notices differs from *seen, and stores it there. Start with *seen 0, the count before the first notice.
 * timeout: how long, NULL for ever.
 *
 * ETIMEDOUT; EINTR: a signal handler ran; EINVAL: seen is NULL, or timeout not a time; EACCES: the file is only readable for the
 * caller, and nobody who may write it has it open; EPERM: as mapshare_lock(). Thread-safe. Since: 1.0. */
MAPSHARE_API int mapshare_watch(struct mapshare *ms, uint64_t *seen, const struct timespec *timeout);

/** Copies length bytes at offset of the file to buffer: loads, with SIGBUS turned into an error.
 *
 * At first use a handler for SIGBUS is installed. It passes each other SIGBUS on to the handler that
 * was there before. A program that installs its own one later must call the one that it replaces, or these copies are not guarded
 * any more. SIGBUS must not be blocked.
 *
 * Returns the bytes copied: fewer where the file ends, 0 beyond. EFAULT: a page of the file cannot be had; EINVAL: buffer is NULL.
 * Thread-safe. Since: 1.0. */
MAPSHARE_API ssize_t mapshare_read(struct mapshare *ms, void *buffer, size_t length, uint64_t offset);

/** The other way: copies length bytes of buffer to offset of the file, by stores. It never makes the file longer.
 *
 * As mapshare_read(), and EBADF: opened for reading. Thread-safe. Since: 1.0. */
MAPSHARE_API ssize_t mapshare_write(struct mapshare *ms, const void *buffer, size_t length, uint64_t offset);

/** mmap(2) with each flag of its manual checked: what Linux ignores is done or refused.
 *
 * Exactly one of MAP_SHARED and MAP_PRIVATE; MAP_FIXED, MAP_FIXED_NOREPLACE, MAP_ANONYMOUS (with fd -1 and offset 0),
 * MAP_DENYWRITE, MAP_EXECUTABLE, MAP_FILE, MAP_NORESERVE, MAP_LOCKED (fails if the pages cannot be locked), MAP_GROWSDOWN,
 * MAP_32BIT, MAP_POPULATE, MAP_NONBLOCK (with MAP_POPULATE: only what is in memory). On the mount it marks the file's access time.
 *
 * MAP_DENYWRITE, on the mount: as long as it is mapped, others who open the file for writing get ETXTBSY. With PROT_WRITE and
 * MAP_SHARED the caller's own fd is the one that may write, and the denial lasts until it is closed, too.
 *
 * Returns MAP_FAILED on failure: EACCES, EAGAIN, EBADF, EEXIST, EINVAL, ENFILE, ENODEV, ENOMEM, ENOTSUP (MAP_DENYWRITE off the
 * mount), ENXIO (no file is so long), EPERM, ETXTBSY (MAP_DENYWRITE, and somebody has the file open for writing). Thread-safe.
 * Since: 1.0. */
MAPSHARE_API void *mapshare_mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset);

/** munmap(2). EINVAL: addr is not a multiple of the page size, or length is 0. Thread-safe. Since: 1.0. */
MAPSHARE_API int mapshare_munmap(void *addr, size_t length);

/** msync(2), but exactly one of MS_SYNC and MS_ASYNC is wanted (EINVAL), and MS_ASYNC starts writing; MS_INVALIDATE may be added.
 *
 * EBUSY, EINVAL, EIO, ENOMEM, ENOSPC. Thread-safe. Since: 1.0. */
MAPSHARE_API int mapshare_msync(void *addr, size_t length, int flags);

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
