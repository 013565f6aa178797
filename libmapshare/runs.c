#include "config.h"

#include "runs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "cachestat.h"

static int append(struct mapshare_runs *runs, uint64_t first, uint64_t last, uint32_t state)
{
    struct mapshare_abi_run *end = runs->count ? &runs->list[runs->count - 1] : NULL;

    if (first > last)
        return 0;
    if (end && end->state == state && end->last + 1 == first) {
        end->last = last;
        return 0;
    }
    if (runs->count == runs->room) {
        size_t room = runs->room ? 2 * runs->room : MAPSHARE_ABI_RUNS;
        struct mapshare_abi_run *list = reallocarray(runs->list, room, sizeof list[0]);

        if (!list)
            return -ENOMEM;
        runs->list = list;
        runs->room = room;
    }
    runs->list[runs->count++] = (struct mapshare_abi_run){.first = first, .last = last, .state = state};
    return 0;
}

/* The runs at or after page `first`, as many as fit into one answer. */
static int ask_daemon(int fd, uint64_t first, struct mapshare_abi_ranges *answer)
{
    memset(answer, 0, sizeof *answer);
    answer->first = first;
    if (ioctl(fd, MAPSHARE_IOC_RANGES, answer))
        return -errno;
    if (answer->count > MAPSHARE_ABI_RUNS || (answer->more && !answer->count))
        return -EPROTO;
    for (uint32_t i = 0; i < answer->count; i++) {
        const struct mapshare_abi_run *run = &answer->runs[i];

        if (run->first < first || run->last < run->first || run->state < MAPSHARE_ABI_KERNEL || run->state > MAPSHARE_ABI_FAILED)
            return -EPROTO;
        first = run->last + 1;
    }
    return 0;
}

static int read_daemon(int fd, struct mapshare_runs *out)
{
    struct mapshare_abi_ranges answer;
    uint64_t next = 0;

    out->kernel_known = true;
    do {
        int result = ask_daemon(fd, next, &answer);

        out->kernel_known = out->kernel_known && answer.kernel_known;
        for (uint32_t i = 0; result == 0 && i < answer.count; i++) {
            result = append(out, answer.runs[i].first, answer.runs[i].last, answer.runs[i].state);
            next = answer.runs[i].last + 1;
        }
        if (result)
            return result;
    } while (answer.more);
    return 0;
}

static int append_kernel(void *runs, uint64_t first, uint64_t last)
{
    return append(runs, first, last, MAPSHARE_ABI_KERNEL);
}

/* The kernel's runs lie over the daemon's: what is stored to last is in the kernel. */
static int lay_over(const struct mapshare_runs *daemon, const struct mapshare_runs *kernel, struct mapshare_runs *out)
{
    uint64_t done = 0; /* pages before it are in `out` */
    size_t next = 0;
    int result = 0;

    for (size_t i = 0; result == 0 && i < daemon->count; i++) {
        const struct mapshare_abi_run *below = &daemon->list[i];

        done = below->first > done ? below->first : done;
        for (; result == 0 && next < kernel->count && kernel->list[next].first <= below->last; next++) {
            const struct mapshare_abi_run *above = &kernel->list[next];

            if (above->first > done)
                result = append(out, done, above->first - 1, below->state);
            if (result == 0)
                result = append(out, above->first, above->last, above->state);
            done = above->last + 1 > done ? above->last + 1 : done;
        }
        if (result == 0)
            result = append(out, done, below->last, below->state);
    }
    for (; result == 0 && next < kernel->count; next++)
        result = append(out, kernel->list[next].first, kernel->list[next].last, kernel->list[next].state);
    return result;
}

int mapshare_runs_read(int fd, uint64_t size, struct mapshare_runs *out)
{
    struct mapshare_runs daemon = {0}, kernel = {0};
    int result = read_daemon(fd, &daemon);

    *out = (struct mapshare_runs){0};
    if (result == 0 && !daemon.kernel_known &&
        cache_find_dirty(fd, 0, (size + MAPSHARE_PAGE_SIZE - 1) / MAPSHARE_PAGE_SIZE, append_kernel, &kernel) == 0) {
        result = lay_over(&daemon, &kernel, out);
        out->kernel_known = true;
    } else if (result == 0) {
        *out = daemon;
        daemon = (struct mapshare_runs){0};
    }
    mapshare_runs_free(&daemon);
    mapshare_runs_free(&kernel);
    if (result)
        mapshare_runs_free(out);
    return result;
}

void mapshare_runs_free(struct mapshare_runs *runs)
{
    free(runs->list);
    *runs = (struct mapshare_runs){0};
}

void mapshare_runs_count(const struct mapshare_runs *runs, uint64_t counts[MAPSHARE_RUN_STATES])
{
    memset(counts, 0, MAPSHARE_RUN_STATES * sizeof counts[0]);
    for (size_t i = 0; i < runs->count; i++)
        counts[runs->list[i].state] += runs->list[i].last - runs->list[i].first + 1;
}
