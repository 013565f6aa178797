/* Which pages differ from the store, and how many. */
#include "config.h"

#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "cachestat.h"
#include "internal.h"
#include "runs.h"

static int read_runs(struct mapshare *ms, struct mapshare_runs *runs)
{
    uint64_t size;
    int error = mapshare_file_size(ms, &size);

    return error ? error : mapshare_runs_read(ms->fd, size, runs);
}

ssize_t mapshare_dirty(struct mapshare *ms, struct mapshare_range *ranges, size_t count)
{
    struct mapshare_runs runs = {0};
    ssize_t result;

    if (!ranges && count > 0)
        return mapshare_result(-EINVAL);
    if (!ms->on_mount)
        return mapshare_result(-ENOTSUP);
    result = read_runs(ms, &runs);
    for (size_t i = 0; result == 0 && i < count && i < runs.count; i++)
        ranges[i] = (struct mapshare_range){.first = runs.list[i].first, .last = runs.list[i].last, .state = runs.list[i].state};
    if (result == 0)
        result = (ssize_t)runs.count;
    mapshare_runs_free(&runs);
    return result < 0 ? mapshare_result((int)result) : result;
}

/* Each page once, in its newest state: the daemon alone would also count those that are dirty again in the kernel. */
static int count_by_state(struct mapshare *ms, struct mapshare_status *out)
{
    struct mapshare_runs runs = {0};
    uint64_t counts[MAPSHARE_RUN_STATES];
    int error = read_runs(ms, &runs);

    mapshare_runs_count(&runs, counts);
    mapshare_runs_free(&runs);
    out->received = counts[MAPSHARE_PAGE_RECEIVED];
    out->committed = counts[MAPSHARE_PAGE_COMMITTED];
    out->writeback = counts[MAPSHARE_PAGE_WRITEBACK];
    out->failed = counts[MAPSHARE_PAGE_FAILED];
    return error;
}

static int get_status(struct mapshare *ms, struct mapshare_status *out)
{
    struct mapshare_abi_info info = {0};
    struct cache_counts counts;
    struct stat status;

    if (fstat(ms->fd, &status) || (ms->on_mount && ioctl(ms->fd, MAPSHARE_IOC_INFO, &info)))
        return -errno;
    out->size = (uint64_t)status.st_size;
    out->committed_size = ms->on_mount ? info.committed_size : out->size;
    out->atime = status.st_atim;
    out->mtime = status.st_mtim;
    out->ctime = status.st_ctim;
    out->commit.sequence = info.sequence;
    out->commit.time.tv_sec = info.commit_seconds;
    out->commit.time.tv_nsec = info.commit_nanoseconds;
    out->kernel = cache_count(ms->fd, 0, out->size, &counts) ? UINT64_MAX : counts.dirty;
    out->error = info.error;
    out->on_mount = ms->on_mount;
    out->atomic = (info.flags & MAPSHARE_ABI_ATOMIC) != 0;
    return ms->on_mount ? count_by_state(ms, out) : 0;
}

int mapshare_stat(struct mapshare *ms, struct mapshare_status *out, size_t size)
{
    struct mapshare_status status = {0};
    int error = out && size > 0 ? get_status(ms, &status) : -EINVAL;

    if (error)
        return mapshare_result(error);
    memset(out, 0, size);
    memcpy(out, &status, size < sizeof(status) ? size : sizeof(status));
    return 0;
}
