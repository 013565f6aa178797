/* Processes count under the library's lock in two mapped counters on pages of their own, and each in one that is its alone. Now and
 * then one dies between the two, with the lock: who has the lock next must be told, and takes the half back. At the end all
 * counters are exactly what was told. */
#include "config.h"

#include <mapshare.h>

#include "storm.h"

#define COUNTERS 3
#define SYNC_EVERY 8
#define DIE_ONE_IN 300

enum { FIRST, SECOND, OWN }; /* pages */
enum { DEATHS, REPAIRS };    /* in storm->more */

static volatile uint64_t *counter(struct mapshare *ms, int page)
{
    return (volatile uint64_t *)((char *)mapshare_addr(ms) + page * PAGE);
}

static struct mapshare *open_counters(void)
{
    struct mapshare_options options = {.size = (OWN + COUNTERS) * PAGE};
    struct mapshare *ms = mapshare_open("counters", O_RDWR | O_CREAT, 0644, &options);

    CHECK(ms);
    return ms;
}

static void lock(struct mapshare *ms)
{
    int held = mapshare_lock(ms);
    uint64_t first, second;

    CHECK(held >= 0);
    first = *counter(ms, FIRST);
    second = *counter(ms, SECOND);
    CHECK(first == second + (uint64_t)held, "%lu and %lu, lock %d", (unsigned long)first, (unsigned long)second, held);
    if (held == 0)
        return;
    *counter(ms, FIRST) = second;
    storm->more[REPAIRS]++;
    CHECK(mapshare_consistent(ms) == 0);
}

static void count(int number)
{
    uint64_t random = job_seed(number) + (storm->told[number] + storm->more[DEATHS]) * 2; /* not as who died */
    struct mapshare *ms = open_counters();

    while (!storm->stop) {
        lock(ms);
        ++*counter(ms, FIRST);
        if (random_next(&random) % 16 == 0)
            breathe(&random, 2000);
        if (random_next(&random) % DIE_ONE_IN == 0) {
            storm->more[DEATHS]++;
            raise(SIGKILL);
        }
        ++*counter(ms, SECOND);
        ++*counter(ms, OWN + number);
        storm->told[number]++;
        CHECK(mapshare_unlock(ms) == 0);
        if (storm->told[number] % SYNC_EVERY == 0)
            CHECK(mapshare_sync(ms, 0, 0, MS_SYNC, NULL) == 0);
        breathe(&random, 3000);
    }
    CHECK(mapshare_close(ms) == 0);
}

static void job(int number)
{
    struct mapshare *ms;

    while (!storm->stop) {
        int status;
        pid_t pid = fork();

        CHECK(pid >= 0);
        if (pid == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            count(number);
            _exit(0);
        }
        CHECK(waitpid(pid, &status, 0) == pid);
        CHECK(status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL), "status %x", status);
    }
    ms = open_counters();
    lock(ms); /* after the last death of ours */
    CHECK(mapshare_unlock(ms) == 0);
    CHECK(mapshare_close(ms) == 0);
}

static uint64_t read_counter(int fd, int page)
{
    uint64_t value;

    CHECK(pread(fd, &value, sizeof(value), page * PAGE) == sizeof(value));
    return value;
}

static void check(void)
{
    int fd = open("counters", O_RDONLY);
    uint64_t sum = 0;

    CHECK(fd >= 0);
    for (int i = 0; i < COUNTERS; i++) {
        sum += storm->told[i];
        CHECK(read_counter(fd, OWN + i) == storm->told[i], "process %d: %lu, told %lu", i, (unsigned long)read_counter(fd, OWN + i),
              (unsigned long)storm->told[i]);
    }
    for (int page = FIRST; page <= SECOND; page++)
        CHECK(read_counter(fd, page) == sum, "%lu, told %lu", (unsigned long)read_counter(fd, page), (unsigned long)sum);
    CHECK(storm->more[REPAIRS] == storm->more[DEATHS], "%lu died with the lock, %lu times it was told",
          (unsigned long)storm->more[DEATHS], (unsigned long)storm->more[REPAIRS]);
}

int main(int argc, char **argv)
{
    return storm_main(argc, argv, &(struct client){.jobs = COUNTERS, .job = job, .check = check});
}
