/* Locks of bytes of a file that belong to an open file description: the kernel drops them with its last descriptor. */
#ifndef LIBMAPSHARE_BYTES_H
#define LIBMAPSHARE_BYTES_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>

/* length 0: to the end. -EAGAIN where somebody else's lock is in the way and wait is false. */
static inline int mapshare_lock_bytes(int fd, short type, uint64_t start, uint64_t length, bool wait)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)start, .l_len = (off_t)length};
    int result;

    do
        result = fcntl(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, &lock);
    while (result && errno == EINTR);
    if (result == 0)
        return 0;
    return errno == EACCES ? -EAGAIN : -errno;
}

#endif
