/* A counter that any number of unrelated processes share, and that survives them all.
 *
 * Start it several times at once on the same file; examples/shared.py joins in from Python.
 */
#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <mapshare.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct counter {
    int64_t count;
    char last[56]; /* who counted last */
};

static void lock(struct mapshare *ms)
{
    int held = mapshare_lock(ms);

    if (held == -1)
        err(1, "lock");
    /* 1: the last owner died. A count is whole at any time, so there is nothing to repair. */
    if (held == 1 && mapshare_consistent(ms))
        err(1, "consistent");
}

int main(int argc, char **argv)
{
    struct mapshare_options options = {.size = sizeof(struct counter)};
    long times = argc > 2 ? atol(argv[2]) : 1;
    struct counter *counter;
    struct mapshare *ms;

    if (argc < 2 || argc > 3 || times < 1) {
        fprintf(stderr, "usage: shared-counter FILE [TIMES]\nCounts in FILE, together with all others who do.\n");
        return 2;
    }
    ms = mapshare_open(argv[1], O_RDWR | O_CREAT, 0644, &options);
    if (!ms)
        err(1, "%s", argv[1]);
    counter = mapshare_addr(ms);

    for (long i = 0; i < times; i++) {
        lock(ms);
        counter->count++;
        snprintf(counter->last, sizeof(counter->last), "process %ld, in C", (long)getpid());
        if (mapshare_unlock(ms))
            err(1, "unlock");
    }
    if (mapshare_sync(ms, 0, 0, MS_SYNC, NULL)) /* durable from here on */
        err(1, "sync");
    printf("%" PRId64 "\n", counter->count);
    return mapshare_close(ms) ? 1 : 0;
}
