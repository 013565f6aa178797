/* Bursts of WRITEs: processes store to every other page of their own files and msync, again and again, while siblings store to the same pages.
 * Arguments: a folder of the mount, how many files, seconds (or until SIGTERM), the milliseconds that no store may take (0: any). Or a process and the number of a
 * descriptor of its: it is left not blocking. */
#include "config.h"

#include <sys/syscall.h>

#include "check.h"

#define PAGES 4096

static void make_bursts(char *map, volatile int *stop, volatile int *msyncs)
{
    uint64_t generation = 0;

    while (!*stop || !generation) {
        generation++;
        for (uint64_t page = 0; page < PAGES; page += 2)
            memcpy(map + page * PAGE, &generation, sizeof(generation));
        CHECK(msync(map, (size_t)PAGES * PAGE, MS_SYNC) == 0);
        __atomic_fetch_add(msyncs, 1, __ATOMIC_RELAXED);
    }
    for (uint64_t page = 0; page < PAGES; page += 2)
        CHECK(memcmp(map + page * PAGE, &generation, sizeof(generation)) == 0, "page %llu", (unsigned long long)page);
}

/* Into the same pages, also while they are on their way. */
static double store_beside(char *map, volatile int *stop)
{
    double slowest = 0;

    for (uint64_t page = 0; !*stop; page = (page + 2) % PAGES) {
        double start = seconds_now(), took;

        ((volatile char *)map)[page * PAGE + PAGE / 2]++;
        took = seconds_now() - start;
        slowest = took > slowest ? took : slowest;
    }
    return slowest;
}

static int leave_not_blocking(pid_t process, int number)
{
    int fd = syscall(SYS_pidfd_getfd, syscall(SYS_pidfd_open, process, 0), number, 0);

    CHECK(fd >= 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
    return 0;
}

static void end_sleep(int signal)
{
    (void)signal;
}

int main(int argc, char **argv)
{
    if (argc == 3)
        return leave_not_blocking(atoi(argv[1]), atoi(argv[2]));
    CHECK(argc == 5);
    int processes = atoi(argv[2]), status;
    double seconds = atof(argv[3]), limit = atof(argv[4]) / 1e3;
    volatile int *stop = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    CHECK(chdir(argv[1]) == 0);
    for (int i = 0; i < 2 * processes; i++)
        if (fork() == 0) {
            char name[40], *map;
            double slowest;

            snprintf(name, sizeof(name), "burst-%d", i / 2);
            int fd = open(name, O_RDWR | O_CREAT, 0644);
            CHECK(fd >= 0 && ftruncate(fd, (off_t)PAGES * PAGE) == 0);
            map = map_shared(fd, (size_t)PAGES * PAGE);
            if (i % 2) {
                slowest = store_beside(map, stop);
                CHECK(limit == 0 || slowest < limit, "a store took %.0f ms", slowest * 1e3);
            } else {
                make_bursts(map, stop, stop + 1);
            }
            _exit(0);
        }
    signal(SIGTERM, end_sleep);
    usleep(seconds * 1e6);
    *stop = 1;
    while (wait(&status) > 0)
        CHECK(status == 0, "a process failed");
    printf("%d msyncs\n", stop[1]);
    return 0;
}
