/* While syncs wait for a slow disk, other requests are answered: no serving thread waits for a flush. Arguments: a folder of the
 * mount, how many processes sync, the delay of a flush in milliseconds. */
#include "config.h"

#include "check.h"

static double slowest;

static void timed(const char *what, double start)
{
    double took = seconds_now() - start;

    if (took > slowest) {
        slowest = took;
        fprintf(stderr, "slowest so far: %s, %.1f ms\n", what, took * 1e3);
    }
}

int main(int argc, char **argv)
{
    int syncers = atoi(argv[2]), rounds = 0, status, fd;
    double delay = atof(argv[3]) / 1e3, end, start;
    char *map, name[40], buffer[PAGE] = "";
    struct stat info;
    volatile int *stop = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    volatile int *syncs = stop + 1;

    CHECK(argc == 4);
    CHECK(chdir(argv[1]) == 0);
    for (int i = 0; i < syncers; i++)
        if (fork() == 0) {
            snprintf(name, sizeof(name), "synced-%d", i);
            fd = make_file(name, 16 * PAGE);
            map = map_shared(fd, 16 * PAGE);
            while (!*stop) {
                map[0]++;
                map[7 * PAGE]++;
                CHECK(msync(map, 16 * PAGE, MS_SYNC) == 0);
                __atomic_fetch_add(syncs, 1, __ATOMIC_RELAXED);
            }
            _exit(0);
        }
    fd = make_file("other", 16 * PAGE);
    while (*syncs < syncers) /* the disk is slow now */
        usleep(1000);
    for (end = seconds_now() + 10 * delay; seconds_now() < end; rounds++) {
        start = seconds_now();
        CHECK(pwrite(fd, buffer, PAGE, rounds % 16 * PAGE) == PAGE);
        timed("write", start);
        start = seconds_now();
        CHECK(stat("synced-0", &info) == 0);
        timed("stat", start);
        start = seconds_now();
        CHECK(getxattr("synced-0", "user.mapshare.ranges", NULL, 0) >= 0);
        timed("ranges", start);
        start = seconds_now();
        snprintf(name, sizeof(name), "made-%d", rounds);
        CHECK(close(open(name, O_CREAT | O_WRONLY, 0600)) == 0 && unlink(name) == 0);
        timed("create and unlink", start);
    }
    *stop = 1;
    while (wait(&status) > 0)
        CHECK(status == 0, "a syncer failed");
    printf("%d rounds, slowest %.1f ms, beside %d syncs with %.0f ms a flush\n", rounds, slowest * 1e3, *syncs, delay * 1e3);
    CHECK(rounds > 10 && slowest < delay * 0.75, "a request waited for the disk");
    return 0;
}
