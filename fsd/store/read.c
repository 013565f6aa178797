/* Reading the store's files. Nothing here waits for anything but the disk. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "cachestat.h"
#include "store/store.h"

#define BLOCK ((size_t)4096)
#define DIRECT_MIN ((size_t)256 << 10)

/* Where the page cache has none of it, it would be filled only to be copied from once: the clients' own page cache keeps the pages. */
static bool is_better_direct(int fd, const void *buffer, size_t size, off_t offset)
{
    struct cache_counts counts;

    return size >= DIRECT_MIN && (size | (size_t)offset | (uintptr_t)buffer) % BLOCK == 0 &&
           cache_count(fd, (uint64_t)offset, size, &counts) == 0 && counts.cached == 0;
}

/* 0: not possible here. */
static size_t read_direct(int fd, void *buffer, size_t size, off_t offset)
{
    char path[32];
    int direct;
    ssize_t done;

    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    direct = open(path, O_RDONLY | O_DIRECT | O_NOATIME | O_CLOEXEC);
    if (direct < 0)
        return 0;
    done = pread(direct, buffer, size, offset);
    close(direct);
    return done < 0 ? 0 : (size_t)done / BLOCK * BLOCK;
}

ssize_t store_read(int fd, void *buffer, size_t size, off_t offset)
{
    size_t done = is_better_direct(fd, buffer, size, offset) ? read_direct(fd, buffer, size, offset) : 0;

    while (done < size) {
        ssize_t n = pread(fd, (char *)buffer + done, size - done, offset + (off_t)done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return (ssize_t)done;
}
