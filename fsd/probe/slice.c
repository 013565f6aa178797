#include "config.h"

#include "probe/slice.h"

#include <errno.h>
#include <fcntl.h>

#include "cache/arena.h"
#include "cachestat.h"
#include "pace.h"

/* A question about many pages costs as much as the kernel has of them. What it has nothing of costs nothing. */
#define WINDOW_LEAST 1024u
#define WINDOW_MOST 65536u

struct search {
    int64_t until, begun; /* the slice; a piece of it */
    uint64_t next;        /* behind the last run */
    struct answer *answer;
};

/* Enough is no error, but ends the search. */
#define ENOUGH 1

static int add_run(void *context, uint64_t first, uint64_t last)
{
    struct search *search = context;
    struct answer *answer = search->answer;

    search->next = last + 1;
    pace_rest(&search->begun);
    if (answer->count && answer->runs[answer->count - 1].last + 1 == first)
        answer->runs[answer->count - 1].last = last;
    else
        answer->runs[answer->count++] = (struct probe_run){first, last};
    return answer->count == RUNS_PER_ANSWER || clock_nanoseconds() >= search->until ? ENOUGH : 0;
}

static uint64_t widen(uint64_t window, const struct cache_counts *counts)
{
    return counts->cached && window * 2 > WINDOW_MOST ? window : window * 2;
}

void slice_find_dirty(int fd, uint64_t first, uint64_t pages, struct answer *answer)
{
    int64_t begun = clock_nanoseconds();
    struct search search = {.until = begun + SLICE_NANOSECONDS, .begun = begun, .answer = answer};
    uint64_t window = WINDOW_LEAST;
    int result = 0;

    while (first < pages && !result && clock_nanoseconds() < search.until) {
        uint64_t count = window < pages - first ? window : pages - first;
        struct cache_counts counts;

        pace_rest(&search.begun);
        if (cache_count(fd, first << PAGE_SHIFT, count << PAGE_SHIFT, &counts))
            result = -errno;
        else if (counts.dirty)
            result = cache_find_dirty(fd, first, count, add_run, &search);
        if (!result)
            first += count;
        if (result == ENOUGH)
            first = search.next;
        window = widen(window, &counts);
    }
    answer->error = result == ENOUGH ? 0 : result == -EPERM || result == -EACCES ? -ENOSYS : result;
    answer->next = !answer->error && first < pages ? first : 0;
}

/* The kernel sends what is dirty there and waits for it, and for what is on its way. */
static int pull(int fd, uint64_t first, uint64_t count)
{
    unsigned all = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;

    return sync_file_range(fd, first << PAGE_SHIFT, count << PAGE_SHIFT, all) ? -errno : 0;
}

/* The first part that is not clean, as large as a slice may have. Where the kernel cannot be asked, all at once. */
void slice_pull(int fd, uint64_t first, uint64_t pages, struct answer *answer)
{
    int64_t until = clock_nanoseconds() + SLICE_NANOSECONDS;
    uint64_t window = WINDOW_LEAST;

    answer->next = 0;
    while (first < pages) {
        uint64_t count = window < pages - first ? window : pages - first;
        struct cache_counts counts;

        if (cache_count(fd, first << PAGE_SHIFT, count << PAGE_SHIFT, &counts)) {
            answer->error = pull(fd, first, 0);
            return;
        }
        if (counts.dirty + counts.writeback > SLICE_PAGES) {
            window = count / 2; /* never less than SLICE_PAGES / 2 */
            continue;
        }
        if (counts.dirty + counts.writeback) {
            answer->error = pull(fd, first, count);
            window = 0;
        }
        first += count;
        if (!window || clock_nanoseconds() >= until)
            break;
        window = widen(window, &counts);
    }
    answer->next = !answer->error && first < pages ? first : 0;
}
