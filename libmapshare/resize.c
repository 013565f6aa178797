/* Growing and shrinking in place. A mapping reaches over its whole reserve from the start (open.c): to grow the file is enough. */
#include "config.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"
#include "locks.h"

/* A page that cannot be had is EFAULT where the kernel copies, where a load or store would be SIGBUS: through a pipe, which holds a page. */
static int clear_by_pipe(const int pipe[2], unsigned char *address, size_t length)
{
    static const unsigned char zeros[PIPE_BUF];
    unsigned char seen[sizeof(zeros)];

    if (write(pipe[1], address, length) != (ssize_t)length || read(pipe[0], seen, length) != (ssize_t)length)
        return -errno;
    if (memcmp(seen, zeros, length) == 0)
        return 0; /* a store would dirty the page */
    if (write(pipe[1], zeros, length) != (ssize_t)length || read(pipe[0], address, length) != (ssize_t)length)
        return -errno;
    return 0;
}

/* What somebody stored between the old end and the end of its page must not appear in the file. */
static int clear_tail(struct mapshare *ms, uint64_t size)
{
    uint64_t page = mapshare_page_size(), end = (size + page - 1) / page * page;
    int ends[2], error = 0;

    if (end == size || end > ms->reserve)
        return 0;
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK))
        return -errno;
    for (size_t length; error == 0 && size < end; size += length) {
        length = end - size < PIPE_BUF ? (size_t)(end - size) : PIPE_BUF;
        error = clear_by_pipe(ends, ms->address + size, length);
    }
    close(ends[0]);
    close(ends[1]);
    return error;
}

/* By fallocate, which reserves the blocks; and on a mapshare mount it keeps the page cache, where ftruncate drops it. */
static int grow(struct mapshare *ms, uint64_t old, uint64_t size)
{
    uint64_t now;
    int error = clear_tail(ms, old);

    if (error)
        return error;
    do
        error = fallocate(ms->fd, 0, (off_t)old, (off_t)(size - old)) ? -errno : 0;
    while (error == -EINTR);
    if (error == -EOPNOTSUPP)
        return ftruncate(ms->fd, (off_t)size) ? -errno : 0;
    /* A file system may have grown the file by what fitted. */
    if (error && mapshare_file_size(ms, &now) == 0 && now > old && now < size && ftruncate(ms->fd, (off_t)old))
        return -errno;
    return error;
}

static int shrink(struct mapshare *ms, uint64_t size)
{
    int error = mapshare_board_claim_tail(ms, size);

    if (error)
        return error;
    if (ftruncate(ms->fd, (off_t)size))
        error = -errno;
    mapshare_board_release_tail(ms);
    return error;
}

/* The guard is held, and the lock of sizes where we may use it. */
static int change_size(struct mapshare *ms, uint64_t size, bool only_grow, int locked)
{
    uint64_t old;
    int error = mapshare_file_size(ms, &old);

    if (error == 0 && size > old)
        error = grow(ms, old, size); /* safe without the lock */
    else if (error == 0 && size < old && !only_grow)
        error = locked < 0 ? locked : shrink(ms, size);
    return error ? error : mapshare_file_size(ms, &old);
}

int mapshare_set_size(struct mapshare *ms, uint64_t size, bool only_grow)
{
    struct mapshare_locks *locks;
    int error, locked = mapshare_locks_get(ms, &locks);

    if (locked == 0)
        locked = mapshare_locks_take(locks, MAPSHARE_LOCK_OF_SIZE, false, false, NULL);
    if (locked == 1) /* who died left a size, whichever */
        mapshare_locks_repair(locks, MAPSHARE_LOCK_OF_SIZE);
    pthread_mutex_lock(&ms->guard);
    error = change_size(ms, size, only_grow, locked);
    pthread_mutex_unlock(&ms->guard);
    if (locked >= 0)
        mapshare_locks_give(locks, MAPSHARE_LOCK_OF_SIZE);
    return error;
}

int mapshare_resize(struct mapshare *ms, uint64_t size)
{
    if (ms->anonymous)
        return mapshare_result(-ENOTSUP);
    if (!ms->writable)
        return mapshare_result(-EBADF);
    if (size == 0)
        return mapshare_result(-EINVAL);
    if (size > ms->reserve)
        return mapshare_result(-EFBIG);
    return mapshare_result(mapshare_set_size(ms, size, false));
}
