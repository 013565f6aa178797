/* A file grows in one process while others ask for its size, once so that the daemon is asked and once so that the kernel may tell: what is seen second is
 * never less. Arguments: a folder, how often it grows. */
#include "config.h"

#include "../mount/check.h"

#define LOOKERS 2

static const char *path = "growing";
static _Atomic int *stop;

static uint64_t size_asked(int how)
{
    struct statx status;

    CHECK(statx(AT_FDCWD, path, how, STATX_BASIC_STATS, &status) == 0);
    return status.stx_size;
}

static void look(void)
{
    while (!*stop) {
        uint64_t first = size_asked(AT_STATX_FORCE_SYNC), second = size_asked(0);

        CHECK(second >= first, "size %llu, %llu before", (unsigned long long)second, (unsigned long long)first);
    }
}

int main(int argc, char **argv)
{
    pid_t lookers[LOOKERS];
    int fd, status, failures = 0;

    CHECK(argc == 3 && chdir(argv[1]) == 0);
    stop = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    fd = open(path, O_RDWR | O_CREAT, 0600);
    CHECK(stop != MAP_FAILED && fd >= 0);
    for (int i = 0; i < LOOKERS; i++) {
        lookers[i] = fork();
        if (lookers[i] == 0) {
            look();
            _exit(0);
        }
    }
    for (long size = 0; size < atol(argv[2]); size++) {
        CHECK(size % 2 ? pwrite(fd, "x", 1, size) == 1 : ftruncate(fd, size + 1) == 0);
        size_asked(0); /* twice: then the kernel keeps it */
        size_asked(0);
    }
    *stop = 1;
    for (int i = 0; i < LOOKERS; i++)
        failures += waitpid(lookers[i], &status, 0) != lookers[i] || status != 0;
    CHECK(failures == 0, "%d saw it go back", failures);
    return 0;
}
