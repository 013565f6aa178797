/* cachestat(2), Linux 6.5, which older C libraries do not know. */
#ifndef CACHESTAT_H
#define CACHESTAT_H

#include <errno.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_cachestat
#define SYS_cachestat 451 /* on every architecture */
#endif

/* Pages of a file in the kernel, as the kernel tells them. */
struct cache_counts {
    uint64_t cached, dirty, writeback, evicted, recently_evicted;
};

/* `length` bytes from `offset`. 0, or -1 with errno: EPERM without the right to write, ENOSYS. */
static inline int cache_count(int fd, uint64_t offset, uint64_t length, struct cache_counts *counts)
{
    const struct {
        uint64_t offset, length;
    } range = {offset, length};

    return syscall(SYS_cachestat, fd, &range, counts, 0);
}

/* Tells `found` the runs of dirty pages of 4096 bytes among `count` from `first`, in order; runs that touch may come in pieces. Halves a
 * part until it is all clean or all dirty: about 2 log2(count) questions a run. A page on its way to the disk may count in one question and
 * not in the next. 0, -errno, or what `found` returned where that was not 0. */
static inline int cache_find_dirty(int fd, uint64_t first, uint64_t count,
                                   int (*found)(void *context, uint64_t first, uint64_t last), void *context)
{
    struct cache_counts counts;
    int result;

    if (count == 0)
        return 0;
    if (cache_count(fd, first * 4096, count * 4096, &counts))
        return -errno;
    if (counts.dirty == 0)
        return 0;
    if (counts.dirty >= count)
        return found(context, first, first + count - 1);
    result = cache_find_dirty(fd, first, count / 2, found, context);
    return result ? result : cache_find_dirty(fd, first + count / 2, count - count / 2, found, context);
}

#endif
