/* Taking changes back: the files become as their last commits left them. */
#include "config.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "internal.h"
#include "list.h"
#include "mapshare-abi.h"

#define ATTEMPTS 4

/* Where the daemon has no room the kernel says so of pages that it could not send; then it has none of them any more. The next sync would say it once
 * more, of what is gone. */
static int roll_back_file(struct mapshare *ms)
{
    const int hole = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
    uint64_t size;
    int error = -EIO;

    for (int attempt = 0; (error == -EIO || error == -ENOSPC) && attempt < ATTEMPTS; attempt++)
        error = fallocate(ms->fd, hole, 0, MAPSHARE_ABI_ROLLBACK_LENGTH) ? -errno : 0;
    if (error)
        return error == -EALREADY ? 0 : error;
    sync_file_range(ms->fd, 0, 0, SYNC_FILE_RANGE_WAIT_BEFORE);
    return mapshare_file_size(ms, &size); /* so the kernel learns it, too */
}

static int check_daemon(struct mapshare **files, size_t count)
{
    struct mapshare_abi_info info;

    for (size_t i = 0; i < count; i++) {
        if (ioctl(files[i]->fd, MAPSHARE_IOC_INFO, &info))
            return -errno;
        if (!(info.flags & MAPSHARE_ABI_ROLLS_BACK))
            return -ENOTSUP;
    }
    return 0;
}

/* The last of the commits that hold now. */
static int write_receipt(struct mapshare **files, size_t count, struct mapshare_receipt *receipt)
{
    struct mapshare_abi_info info;

    memset(receipt, 0, sizeof(*receipt));
    for (size_t i = 0; i < count; i++) {
        if (ioctl(files[i]->fd, MAPSHARE_IOC_INFO, &info))
            return -errno;
        if (info.sequence > receipt->sequence) {
            receipt->sequence = info.sequence;
            receipt->time = (struct timespec){.tv_sec = info.commit_seconds, .tv_nsec = info.commit_nanoseconds};
        }
    }
    return 0;
}

int mapshare_rollback(struct mapshare *const list[], size_t count, struct mapshare_receipt *receipt)
{
    struct mapshare **files;
    int error = mapshare_list_take(list, &count, true, &files);

    if (error)
        return mapshare_result(error);
    error = check_daemon(files, count);
    for (size_t i = 0; i < count && error == 0; i++)
        error = roll_back_file(files[i]);
    if (error == 0 && receipt)
        error = write_receipt(files, count, receipt);
    free(files);
    return mapshare_result(error);
}
