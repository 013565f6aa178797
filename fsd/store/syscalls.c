#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "store/syscalls.h"

bool syscalls_advance(struct store_write *write, size_t done)
{
    write->offset += (off_t)done;
    while (write->iovcnt > 0 && done >= write->iov->iov_len) {
        done -= write->iov->iov_len;
        write->iov++;
        write->iovcnt--;
    }
    if (write->iovcnt > 0) {
        write->iov->iov_base = (char *)write->iov->iov_base + done;
        write->iov->iov_len -= done;
    }
    return write->iovcnt > 0;
}

int syscalls_write(struct store_write *write)
{
    bool more = syscalls_advance(write, 0);
    while (more) {
        ssize_t done = pwritev(write->fd, write->iov, write->iovcnt < IOV_MAX ? write->iovcnt : IOV_MAX, write->offset);
        if (done > 0) {
            more = syscalls_advance(write, (size_t)done);
        } else if (done == 0) {
            return write->result = -EIO;
        } else if (errno == EAGAIN) {
            poll(&(struct pollfd){.fd = write->fd, .events = POLLOUT}, 1, 10);
        } else if (errno != EINTR) {
            return write->result = -errno;
        }
    }
    return write->result = 0;
}

/* An interrupted flush or truncate changes nothing by being made again. */
#define RETRY(call)                                 \
    ({                                              \
        int retry_result;                           \
        do                                          \
            retry_result = (call);                  \
        while (retry_result < 0 && errno == EINTR); \
        retry_result < 0 ? -errno : 0;              \
    })

int syscalls_write_all(struct store_write *writes, size_t count)
{
    int first = 0;
    for (size_t i = 0; i < count; i++) {
        int result = syscalls_write(&writes[i]);
        if (first == 0)
            first = result;
    }
    return first;
}

int syscalls_flush(struct store *store, int fd)
{
    (void)store;
    return RETRY(fdatasync(fd));
}

int syscalls_truncate(struct store *store, int fd, off_t size)
{
    (void)store;
    return RETRY(ftruncate(fd, size));
}

int syscalls_punch(struct store *store, int fd, off_t offset, off_t length)
{
    (void)store;
    return RETRY(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length));
}

int syscalls_set_times(struct store *store, int fd, const struct timespec times[2])
{
    (void)store;
    return RETRY(futimens(fd, times));
}

int syscalls_sync(struct store *store, int fd)
{
    (void)store;
    return RETRY(fsync(fd));
}

int syscalls_sync_all(struct store *store, int fd)
{
    (void)store;
    return RETRY(syncfs(fd));
}
