/* Unrelated processes share bytes at once through plain mmap. Argument: a folder. Leaves FOLDER/bytes with a known content. */
#include "config.h"

#include <stdatomic.h>

#include "check.h"

#define TURNS 20000
#define PAGES 16

static const char *path;

static char *open_and_map(int flags)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    char *map;

    CHECK(fd >= 0);
    map = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, flags, fd, 0);
    CHECK(map != MAP_FAILED);
    close(fd);
    return map;
}

/* Each process opens and maps for itself, so that nothing is inherited. */
static pid_t start(void (*work)(void))
{
    pid_t pid = fork();

    CHECK(pid >= 0);
    if (pid == 0) {
        work();
        _exit(0);
    }
    return pid;
}

static void finish(pid_t pid)
{
    int status;

    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0, "a process failed");
}

static void take_turns(unsigned parity)
{
    _Atomic unsigned *turn = (_Atomic unsigned *)(void *)(open_and_map(MAP_SHARED) + 5 * PAGE);
    double deadline = seconds_now() + 15;

    for (unsigned i = parity; i < TURNS; i += 2) {
        for (unsigned spins = 0; atomic_load(turn) != i; spins++)
            if (spins % 1024 == 1023) {
                CHECK(seconds_now() < deadline, "turn %u never came", i);
                usleep(1);
            }
        atomic_store(turn, i + 1);
    }
}

static void even(void)
{
    take_turns(0);
}

static void odd(void)
{
    take_turns(1);
}

static void store_and_exit(void)
{
    strcpy(open_and_map(MAP_SHARED) + 2 * PAGE, "left by exit"); /* neither msync nor munmap */
}

static void store_and_unmap(void)
{
    char *map = open_and_map(MAP_SHARED);

    strcpy(map + 3 * PAGE, "left by munmap");
    CHECK(munmap(map, PAGES * PAGE) == 0);
}

static void store_and_die(void)
{
    strcpy(open_and_map(MAP_SHARED) + 4 * PAGE, "left by kill");
    kill(getpid(), SIGKILL);
}

static void expect(int fd, const char *map, int page, const char *text)
{
    char buffer[100] = "";

    CHECK(strcmp(map + page * PAGE, text) == 0, "page %d by mapping: %.20s", page, map + page * PAGE);
    CHECK(pread(fd, buffer, sizeof(buffer), page * PAGE) == sizeof(buffer));
    CHECK(strcmp(buffer, text) == 0, "page %d by read: %.20s", page, buffer);
}

int main(int argc, char **argv)
{
    char name[4096], *map, *private;
    int fd, status;
    pid_t first, second;

    CHECK(argc == 2);
    snprintf(name, sizeof(name), "%s/bytes", argv[1]);
    path = name;
    fd = make_file(path, PAGES * PAGE);
    map = map_shared(fd, PAGES * PAGE);
    private = open_and_map(MAP_PRIVATE);

    first = start(even);
    second = start(odd);
    finish(first);
    finish(second);
    CHECK(*(unsigned *)(void *)(map + 5 * PAGE) == TURNS);

    finish(start(store_and_exit));
    expect(fd, map, 2, "left by exit");
    finish(start(store_and_unmap));
    expect(fd, map, 3, "left by munmap");
    first = start(store_and_die);
    CHECK(waitpid(first, &status, 0) == first && WIFSIGNALED(status));
    expect(fd, map, 4, "left by kill");

    CHECK(pwrite(fd, "by write", 9, 6 * PAGE) == 9);
    expect(fd, map, 6, "by write");
    CHECK(strcmp(private + 6 * PAGE, "by write") == 0, "a private mapping does not see what it has not copied");
    strcpy(private + 7 * PAGE, "private");
    CHECK(map[7 * PAGE] == 0, "a private store leaked");
    printf("%d turns taken, bytes outlived exit, munmap and kill\n", TURNS);
    return 0;
}
