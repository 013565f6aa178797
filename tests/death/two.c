/* Two threads, each with a file of its own, commit at once: each commit is told once. */
#include "config.h"

#include "operations.h"

#include <pthread.h>

#include "../mount/check.h"
#include "mapshare.h"

#define TIMES 3

static pthread_barrier_t both;

static void *commit_own(void *argument)
{
    int fd = *(int *)argument;
    char bytes[PAGE];

    for (int i = 0; i < TIMES; i++) {
        memset(bytes, 'a' + i, sizeof bytes);
        CHECK(pwrite(fd, bytes, sizeof bytes, 2 * i * PAGE) == PAGE);
        pthread_barrier_wait(&both);
        CHECK(fsync(fd) == 0);
    }
    return NULL;
}

static void told(struct mapshare *ms, uint64_t since)
{
    struct mapshare_change changes[8];
    uint64_t upto;

    CHECK(mapshare_changes(ms, since, changes, 8, &upto) == TIMES);
    for (unsigned i = 0; i < TIMES; i++)
        CHECK(changes[i].first == 2 * i && changes[i].last == 2 * i && since < changes[i].sequence &&
              (i == 0 || changes[i - 1].sequence < changes[i].sequence));
    mapshare_close(ms);
}

void operate_on_two(int fds[2])
{
    struct mapshare *ms[2] = {NULL, NULL};
    struct mapshare_status status;
    pthread_t threads[2];
    uint64_t since = 0;

    for (int i = 0; i < 2 && place.on_mount; i++) {
        ms[i] = mapshare_fdopen(dup(fds[i]), NULL);
        CHECK(ms[i] && mapshare_stat(ms[i], &status, sizeof status) == 0);
        since = status.commit.sequence > since ? status.commit.sequence : since;
    }
    CHECK(pthread_barrier_init(&both, NULL, 2) == 0);
    for (int i = 0; i < 2; i++)
        CHECK(pthread_create(&threads[i], NULL, commit_own, &fds[i]) == 0);
    for (int i = 0; i < 2; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    for (int i = 0; i < 2 && place.on_mount; i++)
        told(ms[i], since);
}
