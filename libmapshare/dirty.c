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
        ranges[i] = (struct mapshare_range){
            .first = runs.list[i].first, .last = runs.list[i].last, .state = (enum mapshare_page_state)runs.list[i].state};
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
    out->received = counts[MAPSHARE_RECEIVED];
    out->committed = counts[MAPSHARE_COMMITTED];
    out->writeback = counts[MAPSHARE_WRITEBACK];
    out->failed = counts[MAPSHARE_FAILED];
    return error;
}

int mapshare_stat(struct mapshare *ms, struct mapshare_status *out)
{
    struct cache_counts counts;
    struct mapshare_abi_info info = {0};
    struct stat status;

    if (!out)
        return mapshare_result(-EINVAL);
    if (fstat(ms->fd, &status) || (ms->on_mount && ioctl(ms->fd, MAPSHARE_IOC_INFO, &info)))
        return -1;
    memset(out, 0, sizeof(*out));
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
    return ms->on_mount ? mapshare_result(count_by_state(ms, out)) : 0;
}
