/* mapshare_read and mapshare_write: copies that end where the file does, and go on where it came back meanwhile. */
#include "config.h"

#include <limits.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

/* Faults of one copy, while somebody makes the file shorter and longer: so many, with a pause each after the first few. */
#define MOST_FAULTS 200
#define QUICK_FAULTS 8

/* How many of length bytes at offset there are. Asks the kernel only where the file may end. */
static int clip(struct mapshare *ms, uint64_t offset, size_t *length, bool ask)
{
    uint64_t size = atomic_load_explicit(&ms->known_size, memory_order_relaxed);

    if (ask || size > ms->reserve || offset > size || *length > size - offset) {
        int error = mapshare_file_size(ms, &size);
        if (error)
            return error;
    }
    if (size > ms->reserve)
        size = ms->reserve;
    if (offset >= size)
        *length = 0;
    else if (*length > size - offset)
        *length = (size_t)(size - offset);
    return 0;
}

/* Can the file's page at this address be had by now? Not if the address is the caller's own buffer. */
static bool is_readable(struct mapshare *ms, uintptr_t address)
{
    uintptr_t start = (uintptr_t)ms->address;
    char byte;

    return mapshare_is_inside(address, start, ms->reserve) && pread(ms->fd, &byte, 1, (off_t)(address - start)) >= 0;
}

/* One of buffer and source is given; the other end is at offset in the file. */
static ssize_t copy_clipped(struct mapshare *ms, void *buffer, const void *source, size_t length, uint64_t offset)
{
    uintptr_t fault;
    int error;

    if (length > SSIZE_MAX)
        length = SSIZE_MAX;
    /* After a fault the file is shorter, or it was and has grown again: once more; or the page cannot be had. */
    for (int faults = 0;; faults++) {
        error = clip(ms, offset, &length, faults > 0);
        if (error || length == 0)
            break;
        error = buffer ? mapshare_guarded_copy(buffer, ms->address + offset, length, &fault)
                       : mapshare_guarded_copy(ms->address + offset, source, length, &fault);
        if (error != -EFAULT || faults == MOST_FAULTS || !is_readable(ms, fault))
            break;
        if (faults >= QUICK_FAULTS)
            nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return error ? mapshare_result(error) : (ssize_t)length;
}

ssize_t mapshare_read(struct mapshare *ms, void *buffer, size_t length, uint64_t offset)
{
    if (!buffer)
        return mapshare_result(-EINVAL);
    return copy_clipped(ms, buffer, NULL, length, offset);
}

ssize_t mapshare_write(struct mapshare *ms, const void *buffer, size_t length, uint64_t offset)
{
    if (!buffer)
        return mapshare_result(-EINVAL);
    if (!ms->writable)
        return mapshare_result(-EBADF);
    return copy_clipped(ms, NULL, buffer, length, offset);
}
