/* Runs every check of the time stamp rules in a folder. Prints a row for each; the status is 1 if any failed.
 * Arguments: the folder; optionally the beginning of the checks' names. */
#include "config.h"

#include "times.h"

char *failure;

void explain(int line, const char *format, ...)
{
    va_list arguments;
    int length;

    if (failure[0])
        return;
    length = snprintf(failure, FAILURE_SIZE, "line %d: ", line);
    va_start(arguments, format);
    vsnprintf(failure + length, FAILURE_SIZE - (size_t)length, format, arguments);
    va_end(arguments);
}

static struct timespec clock_now(clockid_t clock)
{
    struct timespec now;

    CHECK(clock_gettime(clock, &now) == 0);
    return now;
}

struct timespec coarse_now(void)
{
    return clock_now(CLOCK_REALTIME_COARSE);
}

struct timespec exact_now(void)
{
    return clock_now(CLOCK_REALTIME);
}

int compare_times(struct timespec a, struct timespec b)
{
    if (a.tv_sec != b.tv_sec)
        return a.tv_sec < b.tv_sec ? -1 : 1;
    return a.tv_nsec < b.tv_nsec ? -1 : a.tv_nsec > b.tv_nsec;
}

void next_tick(void)
{
    struct timespec start = exact_now();

    while (compare_times(coarse_now(), start) <= 0)
        usleep(500);
}

struct stat status_of(const char *path)
{
    struct stat status;

    CHECK(lstat(path, &status) == 0, "%s", path);
    return status;
}

struct stat status_of_fd(int fd)
{
    struct stat status;

    CHECK(fstat(fd, &status) == 0);
    return status;
}

static void expect_within(const char *what, struct timespec stamp, struct timespec from, struct timespec to)
{
    EXPECT(compare_times(stamp, from) >= 0, "%s is %.6f s before the store", what,
           (double)(from.tv_sec - stamp.tv_sec) + (double)(from.tv_nsec - stamp.tv_nsec) / 1e9);
    EXPECT(compare_times(stamp, to) <= 0, "%s is %.6f s after the return", what,
           (double)(stamp.tv_sec - to.tv_sec) + (double)(stamp.tv_nsec - to.tv_nsec) / 1e9);
}

void expect_marked(struct stat status, struct timespec from, struct timespec to)
{
    expect_within("mtime", status.st_mtim, from, to);
    expect_within("ctime", status.st_ctim, from, to);
}

void expect_unmarked(struct stat before, struct stat after)
{
    EXPECT(compare_times(before.st_mtim, after.st_mtim) == 0, "mtime moved");
    EXPECT(compare_times(before.st_ctim, after.st_ctim) == 0, "ctime moved");
}

int settled_file(const char *path, int pages)
{
    char buffer[PAGE];
    int fd = make_file(path, 0);

    memset(buffer, 's', sizeof(buffer));
    for (int page = 0; page < pages; page++)
        CHECK(write(fd, buffer, PAGE) == PAGE);
    CHECK(fsync(fd) == 0);
    next_tick();
    return fd;
}

/* In a process of its own, so that one that dies is one row that fails. */
static void run(const struct check *check)
{
    int status;
    pid_t pid;

    CHECK(mkdir(check->name, 0755) == 0, "%s", check->name);
    failure[0] = 0;
    fflush(stdout);
    pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        CHECK(chdir(check->name) == 0);
        check->run();
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    if (status != 0)
        explain(__LINE__, "died with status %d", status);
    printf("%s %s%s%s\n", failure[0] ? "FAIL" : "PASS", check->name, failure[0] ? ": " : "", failure);
}

int main(int argc, char **argv)
{
    static const struct check *const groups[] = {store_checks, call_checks, kept_checks};
    int failures = 0;

    CHECK(argc >= 2);
    CHECK(chdir(argv[1]) == 0, "%s", argv[1]);
    umask(022);
    failure = mmap(NULL, FAILURE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(failure != MAP_FAILED);
    for (size_t group = 0; group < sizeof(groups) / sizeof(groups[0]); group++)
        for (const struct check *check = groups[group]; check->name; check++) {
            if (argc > 2 && strncmp(check->name, argv[2], strlen(argv[2])) != 0)
                continue;
            run(check);
            failures += failure[0] != 0;
        }
    return failures > 0;
}
