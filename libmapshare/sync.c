/* Making changes durable: of one file, of several at once, and waiting for somebody else's commit. */
#include "config.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>

#include "deadline.h"
#include "internal.h"
#include "list.h"
#include "mapshare-abi.h"

static int write_receipt(struct mapshare *ms, struct mapshare_receipt *receipt)
{
    struct mapshare_abi_info info;

    memset(receipt, 0, sizeof(*receipt));
    if (!ms->on_mount)
        return clock_gettime(CLOCK_REALTIME, &receipt->time) ? -errno : 0;
    if (ioctl(ms->fd, MAPSHARE_IOC_INFO, &info))
        return -errno;
    receipt->sequence = info.sequence;
    receipt->time.tv_sec = info.commit_seconds;
    receipt->time.tv_nsec = info.commit_nanoseconds;
    return 0;
}

static int sync_range(struct mapshare *ms, uint64_t offset, uint64_t length, int flags, struct mapshare_receipt *receipt)
{
    uint64_t page = mapshare_page_size(), start = offset / page * page, size;
    int error = mapshare_file_size(ms, &size);

    if (error)
        return error;
    if (size > ms->reserve)
        size = ms->reserve;
    if (offset > size)
        return -EINVAL;
    if (length == 0 || length > size - offset)
        length = size - offset;
    length += offset - start;
    /* An empty file has no page to sync, but times and a size: its first page stands for all. */
    if (msync(ms->address + start, length ? length : 1, flags))
        return -errno;
    if (flags & MS_SYNC)
        return receipt ? write_receipt(ms, receipt) : 0;
    if (receipt)
        memset(receipt, 0, sizeof(*receipt));
    /* Linux starts nothing by MS_ASYNC alone. */
    return sync_file_range(ms->fd, (off_t)start, (off_t)length, SYNC_FILE_RANGE_WRITE) ? -errno : 0;
}

int mapshare_sync(struct mapshare *ms, uint64_t offset, uint64_t length, int flags, struct mapshare_receipt *receipt)
{
    int how = flags & (MS_SYNC | MS_ASYNC);

    if (flags & ~(MS_SYNC | MS_ASYNC | MS_INVALIDATE) || how == 0 || how == (MS_SYNC | MS_ASYNC))
        return mapshare_result(-EINVAL);
    return mapshare_result(sync_range(ms, offset, length, flags, receipt));
}

/* Sends the pages that the kernel still has to the daemon: all files at once, then waits for each. */
static int pull(struct mapshare **files, size_t count)
{
    const unsigned int all = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;

    for (size_t i = 0; i < count && count > 1; i++) {
        if (sync_file_range(files[i]->fd, 0, 0, SYNC_FILE_RANGE_WRITE))
            return -errno;
    }
    for (size_t i = 0; i < count; i++) {
        if (sync_file_range(files[i]->fd, 0, 0, all))
            return -errno;
    }
    return 0;
}

static int commit_group(struct mapshare **files, size_t count, struct mapshare_receipt *receipt)
{
    struct mapshare_abi_commit commit = {.files = (uint32_t)count};
    int error = mapshare_list_group(files, count, MAPSHARE_IOC_JOIN, &commit.group);

    if (error)
        return error;
    if (ioctl(files[0]->fd, MAPSHARE_IOC_COMMIT, &commit))
        return -errno;
    if (receipt) {
        receipt->sequence = commit.sequence;
        receipt->time.tv_sec = commit.seconds;
        receipt->time.tv_nsec = commit.nanoseconds;
    }
    return 0;
}

int mapshare_commit(struct mapshare *const list[], size_t count, struct mapshare_receipt *receipt)
{
    struct mapshare **files;
    int error = mapshare_list_take(list, &count, true, &files);

    if (error)
        return mapshare_result(error);
    /* ESTALE: the worker that knew the group was replaced. Nothing was committed, or all of it and we do so again. */
    error = -ESTALE;
    for (int attempt = 0; error == -ESTALE && attempt < GROUP_ATTEMPTS; attempt++) {
        error = pull(files, count);
        if (error == 0)
            error = commit_group(files, count, receipt);
    }
    free(files);
    return mapshare_result(error);
}

/* nanoseconds: how long, below 0 for ever. */
static int wait_for(struct mapshare *ms, uint64_t sequence, int64_t nanoseconds)
{
    struct mapshare_abi_wait wait = {.sequence = sequence, .timeout_nanoseconds = nanoseconds};

    if (!ms->on_mount)
        return -ENOTSUP;
    return ioctl(ms->fd, MAPSHARE_IOC_WAIT, &wait) ? -errno : 0;
}

int mapshare_wait(struct mapshare *ms, uint64_t sequence, const struct timespec *timeout)
{
    int64_t nanoseconds = -1;
    int error = mapshare_check_time(timeout);

    if (timeout && timeout->tv_sec < INT64_MAX / 1000000000)
        nanoseconds = timeout->tv_sec * (int64_t)1000000000 + timeout->tv_nsec;
    return mapshare_result(error ? error : wait_for(ms, sequence, nanoseconds));
}

int mapshare_wait_until(struct mapshare *ms, uint64_t sequence, const struct timespec *deadline)
{
    int error = mapshare_check_time(deadline);

    return mapshare_result(error ? error : wait_for(ms, sequence, deadline ? mapshare_time_left(deadline) : -1));
}
