/* The worker is killed at each system call that it makes for a client's operations, before and after it, and now and then some instructions
 * later. To the client nothing happens: each operation succeeds, and takes effect once.
 *
 * Argument: a folder of the mount. Environment: SWEEP_STRIDE, of the stops that are tried (1: all). */
#include "config.h"

#include <dirent.h>
#include <sys/ptrace.h>

#include "check.h"

#define FILE_PAGES 40
#define INSTRUCTIONS 2000
#define SECONDS_FOR_ALL 20 /* of a client's operations, with one death: far more than it takes */

static uint64_t seed;

/* What a death could do twice, or not at all. `turn` tells the contents of one time from those of the next. */
static void operate(char *map, uint64_t turn)
{
    struct stat status;
    uint64_t seen = 0;
    int fd;

    for (uint64_t page = 0; page < FILE_PAGES; page += 3)
        stamp_page(map + page * PAGE, page, turn);
    CHECK(msync(map, (size_t)FILE_PAGES * PAGE, MS_SYNC) == 0);

    fd = open("made", O_RDWR | O_CREAT | O_EXCL, 0600);
    CHECK(fd >= 0);
    CHECK(pwrite(fd, &turn, sizeof(turn), PAGE) == sizeof(turn));
    CHECK(rename("made", "renamed") == 0);
    CHECK(link("renamed", "linked") == 0);
    CHECK(unlink("renamed") == 0);
    CHECK(symlink("linked", "symbolic") == 0 && unlink("symbolic") == 0);
    CHECK(mkdir("folder", 0700) == 0 && rmdir("folder") == 0);
    CHECK(ftruncate(fd, PAGE + 3) == 0 && ftruncate(fd, 2 * PAGE) == 0);
    CHECK(fsetxattr(fd, "user.once", "x", 1, XATTR_CREATE) == 0);
    CHECK(fsync(fd) == 0);
    CHECK(fstat(fd, &status) == 0 && status.st_size == 2 * PAGE && status.st_nlink == 1);
    CHECK(pread(fd, &seen, sizeof(seen), PAGE) == sizeof(seen) && seen == (turn & 0xffffff), "what was cut off is there");
    CHECK(close(fd) == 0 && unlink("linked") == 0);
}

static pid_t worker_of(const char *folder)
{
    char text[4096], *line;
    ssize_t size = getxattr(folder, "user.mapshare.stats", text, sizeof(text) - 1);

    CHECK(size > 0);
    text[size] = '\0';
    line = strstr(text, "worker_pid=");
    CHECK(line);
    return atoi(line + strlen("worker_pid="));
}

/* All threads but those of io_uring, which cannot be. */
static void trace_threads(pid_t worker)
{
    char path[40];
    struct dirent *entry;
    DIR *tasks;

    snprintf(path, sizeof(path), "/proc/%d/task", worker);
    tasks = opendir(path);
    CHECK(tasks);
    while ((entry = readdir(tasks))) {
        pid_t thread = atoi(entry->d_name);
        if (thread > 0 && ptrace(PTRACE_SEIZE, thread, NULL, PTRACE_O_TRACESYSGOOD) == 0)
            CHECK(ptrace(PTRACE_INTERRUPT, thread, NULL, NULL) == 0);
    }
    closedir(tasks);
}

static void step_on(pid_t thread)
{
    uint64_t count = random_next(&seed) % 2 ? random_next(&seed) % INSTRUCTIONS : 0;
    double end = seconds_now() + 0.05; /* a step into a system call that waits does not end */
    int status;

    while (count-- > 0 && ptrace(PTRACE_SINGLESTEP, thread, NULL, NULL) == 0) {
        pid_t stopped;
        while ((stopped = waitpid(thread, &status, WNOHANG | __WALL)) == 0 && seconds_now() < end)
            ;
        if (stopped <= 0 || !WIFSTOPPED(status))
            return;
    }
}

/* Until the worker has stopped `stops` times at system calls; then it is killed. False: the client was done before. */
static bool kill_at(pid_t worker, pid_t client, unsigned stops, int *result)
{
    bool done = false, killed = false;
    int status;
    pid_t who;

    while (!(done && killed)) {
        who = waitpid(-1, &status, __WALL);
        CHECK(who > 0);
        if (who == client) {
            done = true;
            *result = status;
            if (!killed)
                kill(worker, SIGKILL);
        } else if (who == worker && !WIFSTOPPED(status)) {
            killed = true;
        } else if (WIFSTOPPED(status)) {
            if (WSTOPSIG(status) == (SIGTRAP | 0x80) && !done && --stops == 0) {
                step_on(who);
                kill(worker, SIGKILL);
            }
            ptrace(PTRACE_SYSCALL, who, NULL, NULL); /* fails where it was just killed */
        }
    }
    return stops == 0 || stops > (unsigned)INT32_MAX;
}

int main(int argc, char **argv)
{
    unsigned stride = getenv("SWEEP_STRIDE") ? (unsigned)atoi(getenv("SWEEP_STRIDE")) : 1, stops = 1;
    bool more = true;
    char *map;

    CHECK(argc == 2 && stride > 0);
    CHECK(chdir(argv[1]) == 0);
    seed = random_seed();
    map = map_shared(make_file("mapped", (off_t)FILE_PAGES * PAGE), (size_t)FILE_PAGES * PAGE);
    operate(map, 1);
    for (uint64_t turn = 2; more; turn++, stops += stride) {
        pid_t worker = worker_of("."), client;
        int go[2], result = 0;
        char byte = 0;

        CHECK(pipe(go) == 0);
        client = fork();
        if (client == 0) {
            alarm(SECONDS_FOR_ALL);
            CHECK(read(go[0], &byte, 1) == 1);
            operate(map, turn);
            _exit(0);
        }
        trace_threads(worker);
        CHECK(write(go[1], &byte, 1) == 1);
        more = kill_at(worker, client, stops, &result);
        CHECK(WIFEXITED(result) && WEXITSTATUS(result) == 0, "after stop %u: status %#x", stops, result);
        close(go[0]);
        close(go[1]);
        for (uint64_t page = 0; page < FILE_PAGES; page++)
            CHECK(stamp_of(map + page * PAGE, page) == (page % 3 ? 0 : (int64_t)turn), "page %llu", (unsigned long long)page);
    }
    printf("killed at %u places\n", stops / stride);
    CHECK(stops / stride > 20, "too few: nothing was traced");
    return 0;
}
