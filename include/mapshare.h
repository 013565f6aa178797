/* libmapshare: shared memory that lasts.
 *
 * A file mapped by several unrelated processes is their shared memory; on a mapsharefs(8) mount its commits are atomic and durable.
 * The library works on any file; what needs the daemon fails elsewhere with ENOTSUP.
 *
 * All functions return -1 (or NULL, or MAP_FAILED) and set errno on failure. Unless said otherwise a function may be called from any
 * thread, also on the same struct mapshare at once; mapshare_close alone must be the last use of its argument.
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

MAPSHARE_API struct mapshare *mapshare_open(const char *path, int oflags, mode_t mode, const struct mapshare_options *options);
MAPSHARE_API int mapshare_close(struct mapshare *ms);
MAPSHARE_API void *mapshare_addr(const struct mapshare *ms);
MAPSHARE_API size_t mapshare_size(const struct mapshare *ms);
MAPSHARE_API int mapshare_fd(const struct mapshare *ms);
MAPSHARE_API int mapshare_resize(struct mapshare *ms, uint64_t size);

MAPSHARE_API int mapshare_sync(struct mapshare *ms, uint64_t offset, uint64_t length, int flags, struct mapshare_receipt *receipt);
MAPSHARE_API int mapshare_commit(struct mapshare *const list[], size_t count, struct mapshare_receipt *receipt);
MAPSHARE_API int mapshare_wait(struct mapshare *ms, uint64_t sequence, const struct timespec *timeout);

MAPSHARE_API ssize_t mapshare_dirty(struct mapshare *ms, struct mapshare_range *ranges, size_t count);
MAPSHARE_API int mapshare_stat(struct mapshare *ms, struct mapshare_status *out);

MAPSHARE_API int mapshare_lock(struct mapshare *ms);
MAPSHARE_API int mapshare_trylock(struct mapshare *ms);
MAPSHARE_API int mapshare_unlock(struct mapshare *ms);
MAPSHARE_API int mapshare_consistent(struct mapshare *ms);
MAPSHARE_API int mapshare_notify(struct mapshare *ms);
MAPSHARE_API int mapshare_watch(struct mapshare *ms, uint64_t *seen, const struct timespec *timeout);

MAPSHARE_API ssize_t mapshare_read(struct mapshare *ms, void *buffer, size_t length, uint64_t offset);
MAPSHARE_API ssize_t mapshare_write(struct mapshare *ms, const void *buffer, size_t length, uint64_t offset);

MAPSHARE_API void *mapshare_mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset);
MAPSHARE_API int mapshare_munmap(void *addr, size_t length);
MAPSHARE_API int mapshare_msync(void *addr, size_t length, int flags);

MAPSHARE_API struct mapshare *mapshare_anonymous(size_t size);
MAPSHARE_API int mapshare_send(struct mapshare *ms, int socket);
MAPSHARE_API struct mapshare *mapshare_receive(int socket);

#ifdef __cplusplus
}
#endif

#endif
