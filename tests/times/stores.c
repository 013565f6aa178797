/* T1, T2, T3, T6, T8: when stores through shared mappings mark a file, and what never marks it. */
#include "config.h"

#include "times.h"

#define PAGES 16

enum cover { MSYNC, MSYNC_PART, FSYNC, MUNMAP, EXIT, KILL, OTHER_MSYNC, SYNC_FILE_RANGE };

/* A process of its own opens and maps the file, stores at page 3 twice with a tick between, and ends as told. */
static void store_in_child(enum cover cover, bool twice, struct timespec *from)
{
    struct timespec *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status;
    pid_t pid = fork();

    CHECK(pid >= 0);
    if (pid == 0) {
        char *map = map_shared(open("file", O_RDWR), PAGES * PAGE);

        if (twice) {
            map[3 * PAGE] = 1;
            next_tick();
        }
        *shared = coarse_now();
        map[3 * PAGE + 8] = 2;
        if (cover == KILL)
            kill(getpid(), SIGKILL);
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && (cover == KILL ? WIFSIGNALED(status) : status == 0));
    *from = *shared;
    munmap(shared, PAGE);
}

static void store_and_cover(enum cover cover, bool twice)
{
    int fd = settled_file("file", PAGES);
    char *map = map_shared(fd, PAGES * PAGE);
    struct timespec from;

    if (cover == EXIT || cover == KILL || cover == OTHER_MSYNC) {
        store_in_child(cover, twice, &from);
        if (cover == OTHER_MSYNC)
            CHECK(msync(map, PAGES * PAGE, MS_SYNC) == 0);
    } else {
        if (twice) {
            map[3 * PAGE] = 1;
            next_tick();
        }
        from = coarse_now();
        map[3 * PAGE + 8] = 2;
        if (cover == MSYNC)
            CHECK(msync(map, PAGES * PAGE, MS_SYNC) == 0);
        else if (cover == MSYNC_PART)
            CHECK(msync(map + 3 * PAGE, PAGE, MS_SYNC) == 0);
        else if (cover == FSYNC)
            CHECK(fsync(fd) == 0);
        else if (cover == SYNC_FILE_RANGE)
            CHECK(sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER) == 0);
        else
            CHECK(munmap(map, PAGES * PAGE) == 0);
    }
    expect_marked(status_of("file"), from, exact_now());
    if (cover != MUNMAP)
        munmap(map, PAGES * PAGE);
    close(fd);
}

#define STORE_CHECK(name, cover)       \
    static void first_##name(void)     \
    {                                  \
        store_and_cover(cover, false); \
    }                                  \
    static void second_##name(void)    \
    {                                  \
        store_and_cover(cover, true);  \
    }
STORE_CHECK(msync, MSYNC)
STORE_CHECK(msync_part, MSYNC_PART)
STORE_CHECK(fsync, FSYNC)
STORE_CHECK(munmap, MUNMAP)
STORE_CHECK(exit, EXIT)
STORE_CHECK(kill, KILL)
STORE_CHECK(other_msync, OTHER_MSYNC)
STORE_CHECK(sync_file_range, SYNC_FILE_RANGE)

/* Stores and syncs, expects the mark by the descriptor. */
static void store_and_expect(int fd, char *map, int page)
{
    struct timespec from;

    next_tick();
    from = coarse_now();
    map[page * PAGE + 100]++;
    CHECK(msync(map + page * PAGE, PAGE, MS_SYNC) == 0);
    expect_marked(status_of_fd(fd), from, exact_now());
}

/* The same with the page dirty from an earlier store. */
static void store_twice_and_expect(int fd, char *map, int page)
{
    map[page * PAGE]++;
    store_and_expect(fd, map, page);
}

static void after_flush(void)
{
    int fd = settled_file("file", PAGES);
    char *map = map_shared(fd, PAGES * PAGE);

    map[0] = 1;
    CHECK(sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER) == 0);
    store_and_expect(fd, map, 0);
}

static void after_msync(void)
{
    int fd = settled_file("file", PAGES);
    char *map = map_shared(fd, PAGES * PAGE);

    for (int i = 0; i < 3 && !failure[0]; i++)
        store_and_expect(fd, map, 0);
}

static void by_hard_link(void)
{
    int fd = settled_file("file", PAGES), linked;
    struct timespec from;
    char *map;

    CHECK(link("file", "linked") == 0);
    linked = open("linked", O_RDWR);
    map = map_shared(linked, PAGES * PAGE);
    map[0] = 1;
    next_tick();
    from = coarse_now();
    map[1] = 1;
    CHECK(msync(map, PAGE, MS_SYNC) == 0);
    expect_marked(status_of("file"), from, exact_now());
    expect_marked(status_of_fd(fd), from, exact_now());
}

static void unlinked(void)
{
    int fd = settled_file("file", PAGES);
    char *map = map_shared(fd, PAGES * PAGE);

    CHECK(unlink("file") == 0);
    store_twice_and_expect(fd, map, 2);
}

static void renamed_over(void)
{
    int fd = settled_file("file", PAGES), other = settled_file("other", PAGES);
    char *map = map_shared(fd, PAGES * PAGE);
    struct stat before;

    CHECK(rename("other", "file") == 0);
    before = status_of("file");
    next_tick();
    store_twice_and_expect(fd, map, 2);
    expect_unmarked(before, status_of("file"));
    close(other);
}

static void grown_by_truncate(void)
{
    int fd = settled_file("file", 4);
    char *map = map_shared(fd, PAGES * PAGE);

    CHECK(ftruncate(fd, PAGES * PAGE) == 0);
    store_twice_and_expect(fd, map, 10);
}

static void grown_by_fallocate(void)
{
    int fd = settled_file("file", 4);
    char *map = map_shared(fd, PAGES * PAGE);

    CHECK(fallocate(fd, 0, 0, PAGES * PAGE) == 0);
    store_twice_and_expect(fd, map, 10);
}

static void inherited(void)
{
    int fd = settled_file("file", PAGES), status;
    char *map = map_shared(fd, PAGES * PAGE);
    struct timespec from;
    pid_t pid;

    map[0] = 1;
    next_tick();
    from = coarse_now();
    pid = fork();
    if (pid == 0) {
        map[1] = 1;
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(msync(map, PAGE, MS_SYNC) == 0);
    expect_marked(status_of_fd(fd), from, exact_now());
}

static void many_pages(void)
{
    int fd = settled_file("file", 1024);
    char *map = map_shared(fd, 1024 * PAGE);
    struct timespec from;

    for (int page = 0; page < 1024; page++)
        map[page * PAGE] = 1;
    next_tick();
    from = coarse_now();
    for (int page = 0; page < 1024; page++)
        map[page * PAGE] = 2;
    CHECK(msync(map, 1024 * PAGE, MS_SYNC) == 0);
    expect_marked(status_of_fd(fd), from, exact_now());
}

/* T2 */
static void nothing_stored(void)
{
    int fd = settled_file("file", PAGES), copy = settled_file("copy", 1);
    struct stat before = status_of("file");
    volatile char *map;
    char *private;
    int status;
    pid_t pid;

    map = map_shared(fd, PAGES * PAGE);
    for (int page = 0; page < PAGES; page++)
        (void)map[page * PAGE];
    CHECK(msync((void *)map, PAGES * PAGE, MS_SYNC) == 0);
    CHECK(fsync(fd) == 0);
    private = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    private[0] = 1;
    munmap(private, PAGE);
    pid = fork();
    if (pid == 0) {
        (void)map[5];
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(copy_file_range(fd, &(off_t){0}, copy, NULL, PAGE, 0) == PAGE);
    CHECK(munmap((void *)map, PAGES * PAGE) == 0);
    close(open("file", O_RDWR | O_CREAT, 0600));
    CHECK(syncfs(fd) == 0);
    close(fd);
    expect_unmarked(before, status_of("file"));
}

static void clean_msync(void)
{
    int fd = settled_file("file", PAGES);
    char *map = map_shared(fd, PAGES * PAGE);
    struct stat before;

    map[0] = 1;
    CHECK(msync(map, PAGES * PAGE, MS_SYNC) == 0);
    before = status_of("file");
    for (int i = 0; i < 5; i++) {
        next_tick();
        CHECK(msync(map, PAGES * PAGE, MS_SYNC) == 0);
        CHECK(fsync(fd) == 0);
    }
    CHECK(syncfs(fd) == 0);
    munmap(map, PAGES * PAGE);
    close(fd);
    expect_unmarked(before, status_of("file"));
}

static void stat_between(void)
{
    int fd = settled_file("file", PAGES);
    char *map = map_shared(fd, PAGES * PAGE);
    struct stat before, after = status_of("file");

    map[0] = 1;
    CHECK(msync(map, PAGES * PAGE, MS_SYNC) == 0);
    for (int i = 0; i < 1000 && !failure[0]; i++) {
        before = after;
        after = status_of("file");
        EXPECT(i < 2 || compare_times(before.st_mtim, after.st_mtim) == 0, "mtime moved by itself");
    }
}

/* T3: what was set stays, however the stores made before it reach the file. */
static void set_then_cover(enum cover cover)
{
    int fd = settled_file("file", PAGES);
    char *map = map_shared(fd, PAGES * PAGE);
    const struct timespec set[2] = {{1000000000, 111}, {1000000001, 222}};
    struct stat status;

    for (int page = 0; page < PAGES; page++)
        map[page * PAGE] = 1;
    CHECK(utimensat(AT_FDCWD, "file", set, 0) == 0);
    if (cover == MSYNC)
        CHECK(msync(map, PAGES * PAGE, MS_SYNC) == 0);
    else if (cover == FSYNC)
        CHECK(fsync(fd) == 0);
    else if (cover == SYNC_FILE_RANGE)
        CHECK(sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER) == 0);
    else
        CHECK(munmap(map, PAGES * PAGE) == 0 && close(fd) == 0);
    status = status_of("file");
    EXPECT(compare_times(status.st_mtim, set[1]) == 0, "mtime is %ld.%09ld", (long)status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
    EXPECT(compare_times(status.st_atim, set[0]) == 0, "atime is %ld.%09ld", (long)status.st_atim.tv_sec, status.st_atim.tv_nsec);
}

static void set_then_msync(void)
{
    set_then_cover(MSYNC);
}

static void set_then_fsync(void)
{
    set_then_cover(FSYNC);
}

static void set_then_munmap(void)
{
    set_then_cover(MUNMAP);
}

static void set_then_flush(void)
{
    set_then_cover(SYNC_FILE_RANGE);
}

static void set_then_store(void)
{
    int fd = settled_file("file", PAGES);
    char *map = map_shared(fd, PAGES * PAGE);
    const struct timespec set[2] = {{1000000000, 0}, {1000000000, 0}};
    struct timespec from;

    map[0] = 1;
    CHECK(futimens(fd, set) == 0);
    next_tick();
    from = coarse_now();
    map[0] = 2;
    CHECK(msync(map, PAGE, MS_SYNC) == 0);
    expect_marked(status_of("file"), from, exact_now());
}

static void set_after_write(void)
{
    int fd = settled_file("file", PAGES);
    const struct timespec set[2] = {{1000000000, 0}, {1000000000, 5}};

    CHECK(pwrite(fd, "x", 1, 0) == 1);
    CHECK(futimens(fd, set) == 0);
    CHECK(fsync(fd) == 0 && syncfs(fd) == 0 && close(fd) == 0);
    EXPECT(compare_times(status_of("file").st_mtim, set[1]) == 0, "mtime was overwritten");
}

static void set_by_another(void)
{
    int fd = settled_file("file", PAGES), status;
    char *map = map_shared(fd, PAGES * PAGE);
    pid_t pid;

    for (int page = 0; page < PAGES; page++)
        map[page * PAGE] = 1;
    pid = fork();
    if (pid == 0) {
        munmap(map, PAGES * PAGE);
        _exit(utimensat(AT_FDCWD, "file", (struct timespec[]){{0, UTIME_OMIT}, {1000000000, 7}}, 0) != 0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    CHECK(msync(map, PAGES * PAGE, MS_SYNC) == 0);
    EXPECT(compare_times(status_of("file").st_mtim, (struct timespec){1000000000, 7}) == 0, "mtime was overwritten");
}

/* T6 */
static void never_backwards(void)
{
    int fd = settled_file("file", PAGES);
    char *map = map_shared(fd, PAGES * PAGE);
    struct stat last = status_of("file"), now;

    for (int i = 0; i < 2000 && !failure[0]; i++) {
        switch (i % 5) {
        case 0:
            map[i % PAGES * PAGE]++;
            break;
        case 1:
            CHECK(msync(map, PAGES * PAGE, MS_SYNC) == 0);
            break;
        case 2:
            CHECK(pwrite(fd, "x", 1, i) == 1);
            break;
        case 3:
            CHECK(sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE) == 0);
            break;
        default:
            CHECK(ftruncate(fd, PAGES * PAGE + i % 3) == 0);
        }
        now = status_of("file");
        EXPECT(compare_times(now.st_mtim, last.st_mtim) >= 0, "mtime went back in step %d", i);
        EXPECT(compare_times(now.st_ctim, last.st_ctim) >= 0, "ctime went back in step %d", i);
        last = now;
    }
}

const struct check store_checks[] = {
    {"T1-first-store-msync", first_msync},
    {"T1-first-store-msync-of-its-page", first_msync_part},
    {"T1-first-store-fsync", first_fsync},
    {"T1-first-store-munmap", first_munmap},
    {"T1-first-store-exit", first_exit},
    {"T1-first-store-kill", first_kill},
    {"T1-first-store-msync-by-another-process", first_other_msync},
    {"T1-second-store-msync", second_msync},
    {"T1-second-store-msync-of-its-page", second_msync_part},
    {"T1-second-store-fsync", second_fsync},
    {"T1-second-store-munmap", second_munmap},
    {"T1-second-store-exit", second_exit},
    {"T1-second-store-kill", second_kill},
    {"T1-second-store-msync-by-another-process", second_other_msync},
    {"T1-store-after-flush", after_flush},
    {"T1-store-after-msync", after_msync},
    {"T1-second-store-by-hard-link", by_hard_link},
    {"T1-second-store-in-unlinked-file", unlinked},
    {"T1-second-store-in-file-renamed-over", renamed_over},
    {"T1-second-store-in-grown-by-truncate", grown_by_truncate},
    {"T1-second-store-in-grown-by-fallocate", grown_by_fallocate},
    {"T1-second-store-by-forked-child", inherited},
    {"T1-second-store-in-many-pages", many_pages},
    {"T2-nothing-stored", nothing_stored},
    {"T2-msync-of-clean-range", clean_msync},
    {"T2-stat-changes-nothing", stat_between},
    {"T3-set-time-then-msync", set_then_msync},
    {"T3-set-time-then-fsync", set_then_fsync},
    {"T3-set-time-then-munmap", set_then_munmap},
    {"T3-set-time-then-flush", set_then_flush},
    {"T3-set-time-then-store", set_then_store},
    {"T3-set-time-after-write", set_after_write},
    {"T3-set-time-by-another-process", set_by_another},
    {"T6-never-backwards", never_backwards},
    {"T8-first-store-sync_file_range", first_sync_file_range},
    {"T8-second-store-sync_file_range", second_sync_file_range},
    {NULL, NULL},
};
