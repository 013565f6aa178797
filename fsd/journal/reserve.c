#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "journal/reserve.h"
#include "log.h"
#include "store/trust.h"

#define RESERVE_NAME "reserve"

/* -errno; what somebody else may have made is not touched. */
static int open_reserve(int folder, int flags)
{
    int fd = openat(folder, RESERVE_NAME, flags | O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    if (fd >= 0 && trust_doubt(fd, S_IFREG) != NULL) {
        close(fd);
        return -EPERM;
    }
    return fd < 0 ? -errno : fd;
}

void reserve_make(int folder, uint64_t size)
{
    struct statfs system;
    if (fstatfs(folder, &system) < 0 || system.f_type != BTRFS_SUPER_MAGIC)
        return;
    int fd = open_reserve(folder, O_CREAT);
    int result = fd < 0 ? fd : ftruncate(fd, (off_t)size) < 0 || fallocate(fd, 0, 0, (off_t)size) < 0 ? -errno : 0;
    if (result < 0)
        log_line(LOG_NOTE, "no room is kept for a recovery (%s): after a crash, with the disk full, it may have to wait for some",
                 strerror(-result));
    if (fd >= 0)
        close(fd);
}

bool reserve_spend(int folder)
{
    struct stat status;
    int fd = open_reserve(folder, 0);
    bool spent = fd >= 0 && fstat(fd, &status) == 0 && status.st_blocks > 0 && ftruncate(fd, 0) == 0 && syncfs(fd) == 0;
    if (fd >= 0)
        close(fd);
    return spent;
}
