/* cachestat(2), Linux 6.5, which older C libraries do not know. */
#ifndef CACHESTAT_H
#define CACHESTAT_H

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

#endif
