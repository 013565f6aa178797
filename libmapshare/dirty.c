/* Which pages differ from the store, and how many. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cachestat.h"
#include "internal.h"
#include "mapshare-abi.h"

struct run_list {
    struct mapshare_range *runs;
    size_t count, room;
};

/* Joins the run to the last one where they touch. */
static int add_run(struct run_list *list, uint64_t first, uint64_t last, enum mapshare_page_state state)
{
    if (list->count > 0) {
        struct mapshare_range *end = &list->runs[list->count - 1];
        if (end->state == state && end->last + 1 == first) {
            end->last = last;
            return 0;
        }
    }
    if (list->count == list->room) {
        size_t room = list->room ? 2 * list->room : 64;
        struct mapshare_range *runs = realloc(list->runs, room * sizeof(*runs));
        if (!runs)
            return -ENOMEM;
        list->runs = runs;
        list->room = room;
    }
    list->runs[list->count++] = (struct mapshare_range){.first = first, .last = last, .state = state};
    return 0;
}

static int add_kernel_run(void *list, uint64_t first, uint64_t last)
{
    return add_run(list, first, last, MAPSHARE_KERNEL);
}

/* All runs that the daemon knows; kernel_known as in the interface. */
static int list_in_daemon(int fd, struct run_list *list, bool *kernel_known)
{
    struct mapshare_abi_ranges ranges;
    uint64_t first = 0;

    *kernel_known = true;
    do {
        memset(&ranges, 0, sizeof(ranges));
        ranges.first = first;
        if (ioctl(fd, MAPSHARE_IOC_RANGES, &ranges))
            return -errno;
        if (ranges.count > MAPSHARE_ABI_RUNS)
            return -EPROTO;
        if (!ranges.kernel_known)
            *kernel_known = false;
        for (uint32_t i = 0; i < ranges.count; i++) {
            const struct mapshare_abi_run *run = &ranges.runs[i];
            int error;

            if (run->first < first || run->last < run->first)
                return -EPROTO;
            error = add_run(list, run->first, run->last, (enum mapshare_page_state)run->state);
            if (error)
                return error;
            first = run->last + 1;
        }
    } while (ranges.more && ranges.count > 0);
    return 0;
}

/* The kernel's runs laid over the daemon's: what is stored to last is in the kernel. */
static int lay_over(const struct run_list *below, const struct run_list *above, struct run_list *out)
{
    size_t next = 0;
    uint64_t from = 0; /* pages before are done */
    int error = 0;

    for (size_t i = 0; error == 0 && i <= above->count; i++) {
        uint64_t end = i < above->count ? above->runs[i].first : UINT64_MAX;

        for (; error == 0 && next < below->count && below->runs[next].first < end; next++) {
            const struct mapshare_range *run = &below->runs[next];
            uint64_t first = run->first > from ? run->first : from, last = run->last < end ? run->last : end - 1;

            if (first <= last)
                error = add_run(out, first, last, run->state);
            if (run->last >= end)
                break; /* goes on behind the upper run */
        }
        if (error == 0 && i < above->count) {
            error = add_run(out, above->runs[i].first, above->runs[i].last, MAPSHARE_KERNEL);
            from = above->runs[i].last + 1;
        }
    }
    return error;
}

static int list_all(struct mapshare *ms, struct run_list *out)
{
    struct run_list daemon = {0}, kernel = {0};
    uint64_t size;
    bool kernel_known;
    int error = list_in_daemon(ms->fd, &daemon, &kernel_known);

    /* A daemon without privileges cannot ask the kernel about us, but we can. */
    if (error == 0 && !kernel_known && mapshare_file_size(ms, &size) == 0 &&
        cache_find_dirty(ms->fd, 0, (size + MAPSHARE_PAGE_SIZE - 1) / MAPSHARE_PAGE_SIZE, add_kernel_run, &kernel) != 0)
        kernel.count = 0;
    if (error == 0 && kernel.count > 0) {
        error = lay_over(&daemon, &kernel, out);
    } else if (error == 0) {
        *out = daemon;
        daemon.runs = NULL;
    }
    free(daemon.runs);
    free(kernel.runs);
    return error;
}

ssize_t mapshare_dirty(struct mapshare *ms, struct mapshare_range *ranges, size_t count)
{
    struct run_list list = {0};
    int error;

    if (!ranges && count > 0)
        return mapshare_result(-EINVAL);
    if (!ms->on_mount)
        return mapshare_result(-ENOTSUP);
    error = list_all(ms, &list);
    if (error == 0 && count > 0 && list.count > 0)
        memcpy(ranges, list.runs, (count < list.count ? count : list.count) * sizeof(*ranges));
    free(list.runs);
    return error ? mapshare_result(error) : (ssize_t)list.count;
}

/* Each page once, in its newest state: the daemon alone would also count those that are dirty again in the kernel. */
static int count_by_state(struct mapshare *ms, struct mapshare_status *out)
{
    uint64_t *counts[] = {[MAPSHARE_RECEIVED] = &out->received,
                          [MAPSHARE_COMMITTED] = &out->committed,
                          [MAPSHARE_WRITEBACK] = &out->writeback,
                          [MAPSHARE_FAILED] = &out->failed};
    struct run_list list = {0};
    int error = list_all(ms, &list);

    for (size_t i = 0; error == 0 && i < list.count; i++) {
        if (list.runs[i].state >= MAPSHARE_RECEIVED && list.runs[i].state <= MAPSHARE_FAILED)
            *counts[list.runs[i].state] += list.runs[i].last - list.runs[i].first + 1;
    }
    free(list.runs);
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
