/* Stores go on in two processes while two others look and sync: no stamp outside its bounds, none going back.
 * Arguments: a folder, the rounds, at most so many seconds. */
#include "config.h"

#include "../mount/check.h"

#define PAGES 8
#define NANOSECONDS 1000000000LL

/* What the processes tell each other. */
struct shared {
    _Atomic int64_t rounds;      /* syncs that returned */
    _Atomic int64_t stored_from; /* coarse clock before the storer's newest finished store */
    _Atomic int stop;
};

static struct shared *shared;
static const char *path = "file";

static int64_t clock_of(clockid_t clock)
{
    struct timespec now;

    CHECK(clock_gettime(clock, &now) == 0);
    return now.tv_sec * NANOSECONDS + now.tv_nsec;
}

static int64_t stamp(struct timespec time)
{
    return time.tv_sec * NANOSECONDS + time.tv_nsec;
}

static void storer(void)
{
    char *map = map_shared(open(path, O_RDWR), PAGES * PAGE);

    for (unsigned i = 0; !shared->stop; i++) {
        int64_t from = clock_of(CLOCK_REALTIME_COARSE);

        ((volatile char *)map)[i % PAGES * PAGE]++;
        shared->stored_from = from; /* after the store: who reads this knows that a store at or after it is done */
        if (i % 64 == 0)
            usleep(50);
    }
}

/* A sync covers every store finished before it: the stamp must not be older than that store. */
static void syncer(void)
{
    int fd = open(path, O_RDWR);
    char *map = map_shared(fd, PAGES * PAGE);
    struct stat status;

    while (!shared->stop) {
        int64_t from = shared->stored_from, marked, now;

        CHECK(msync(map, PAGES * PAGE, MS_SYNC) == 0);
        CHECK(fstat(fd, &status) == 0);
        now = clock_of(CLOCK_REALTIME);
        marked = stamp(status.st_mtim);
        CHECK(marked >= from, "mtime is %.6f s before a store that the sync covered", (double)(from - marked) / 1e9);
        CHECK(marked <= now, "mtime is %.6f s in the future", (double)(marked - now) / 1e9);
        CHECK(stamp(status.st_ctim) >= from && stamp(status.st_ctim) <= now, "ctime out of bounds");
        shared->rounds++;
    }
}

static void looker(void)
{
    int64_t last_modified = 0, last_changed = 0;
    struct stat status;

    while (!shared->stop) {
        CHECK(stat(path, &status) == 0);
        CHECK(stamp(status.st_mtim) >= last_modified, "mtime went back by %.6f s",
              (double)(last_modified - stamp(status.st_mtim)) / 1e9);
        CHECK(stamp(status.st_ctim) >= last_changed, "ctime went back by %.6f s",
              (double)(last_changed - stamp(status.st_ctim)) / 1e9);
        CHECK(stamp(status.st_mtim) <= clock_of(CLOCK_REALTIME), "mtime is in the future");
        CHECK(status.st_size == PAGES * PAGE, "size %ld", (long)status.st_size);
        last_modified = stamp(status.st_mtim);
        last_changed = stamp(status.st_ctim);
    }
}

int main(int argc, char **argv)
{
    static void (*const jobs[])(void) = {storer, syncer, syncer, looker};
    pid_t pids[4];
    double start = seconds_now();
    int failures = 0, fd, status;
    long rounds;

    CHECK(argc == 4);
    CHECK(chdir(argv[1]) == 0);
    rounds = atol(argv[2]);
    shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    fd = make_file(path, PAGES * PAGE);
    CHECK(fsync(fd) == 0);
    close(fd);
    for (int i = 0; i < 4; i++)
        if ((pids[i] = fork()) == 0) {
            jobs[i]();
            _exit(0);
        }
    while (shared->rounds < rounds && seconds_now() - start < atof(argv[3]) && failures == 0) {
        pid_t pid = waitpid(-1, &status, WNOHANG);

        if (pid > 0) {
            failures++;
            for (int i = 0; i < 4; i++)
                if (pids[i] == pid)
                    pids[i] = 0;
        }
        usleep(2000);
    }
    shared->stop = 1;
    for (int i = 0; i < 4; i++)
        if (pids[i] > 0)
            failures += waitpid(pids[i], &status, 0) != pids[i] || status != 0;
    printf("%ld rounds in %.1f s\n", (long)shared->rounds, seconds_now() - start);
    CHECK(failures == 0, "%d processes failed", failures);
    return 0;
}
