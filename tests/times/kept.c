/* Times that are set are kept: to the nanosecond, before 1970, after 2038, one of them alone, on folders and symbolic links. */
#include "config.h"

#include "times.h"

static void expect_times(const char *path, struct timespec accessed, struct timespec modified)
{
    struct stat status = status_of(path);

    EXPECT(compare_times(status.st_atim, accessed) == 0, "atime of %s is %ld.%09ld", path, (long)status.st_atim.tv_sec,
           status.st_atim.tv_nsec);
    EXPECT(compare_times(status.st_mtim, modified) == 0, "mtime of %s is %ld.%09ld", path, (long)status.st_mtim.tv_sec,
           status.st_mtim.tv_nsec);
}

static void set_and_expect(const char *path, struct timespec accessed, struct timespec modified)
{
    CHECK(utimensat(AT_FDCWD, path, (struct timespec[]){accessed, modified}, AT_SYMLINK_NOFOLLOW) == 0, "%s", path);
    expect_times(path, accessed, modified);
}

static void ranges(void)
{
    static const struct timespec times[] = {
        {0, 0},         {0, 1},          {-1, 999999999}, {-86400LL * 365 * 40, 5},
        {1, 999999999}, {2147483647, 1}, {2147483648, 2}, {4102444800, 123456789},
    };

    close(settled_file("file", 1));
    CHECK(mkdir("folder", 0755) == 0 && symlink("x", "symbolic") == 0 && mknod("fifo", S_IFIFO | 0600, 0) == 0);
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        set_and_expect("file", times[i], times[sizeof(times) / sizeof(times[0]) - 1 - i]);
        set_and_expect("folder", times[i], times[i]);
        set_and_expect("symbolic", times[i], times[i]);
        set_and_expect("fifo", times[i], times[i]);
    }
}

static void omitted(void)
{
    const struct timespec accessed = {100, 1}, modified = {200, 2}, omit = {0, UTIME_OMIT}, now = {0, UTIME_NOW};
    struct timespec from;
    struct stat before, after;
    int fd = settled_file("file", 1);

    set_and_expect("file", accessed, modified);
    CHECK(utimensat(AT_FDCWD, "file", (struct timespec[]){{300, 3}, omit}, 0) == 0);
    expect_times("file", (struct timespec){300, 3}, modified);
    CHECK(utimensat(AT_FDCWD, "file", (struct timespec[]){omit, {400, 4}}, 0) == 0);
    expect_times("file", (struct timespec){300, 3}, (struct timespec){400, 4});
    next_tick();
    before = status_of("file");
    CHECK(utimensat(AT_FDCWD, "file", (struct timespec[]){omit, omit}, 0) == 0);
    after = status_of("file");
    expect_unmarked(before, after);
    from = coarse_now();
    CHECK(utimensat(AT_FDCWD, "file", (struct timespec[]){omit, now}, 0) == 0);
    after = status_of("file");
    expect_marked(after, from, exact_now());
    EXPECT(compare_times(after.st_atim, (struct timespec){300, 3}) == 0, "UTIME_OMIT changed atime");
    CHECK(utimensat(AT_FDCWD, "file", (struct timespec[]){now, {500, 5}}, 0) == 0);
    after = status_of("file");
    EXPECT(compare_times(after.st_atim, from) >= 0 && compare_times(after.st_atim, exact_now()) <= 0, "UTIME_NOW of atime");
    EXPECT(compare_times(after.st_mtim, (struct timespec){500, 5}) == 0, "mtime beside UTIME_NOW");
    next_tick();
    from = coarse_now();
    CHECK(futimens(fd, NULL) == 0);
    expect_marked(status_of("file"), from, exact_now());
    EXPECT(utimensat(AT_FDCWD, "file", (struct timespec[]){{0, 1000000000}, omit}, 0) == -1 && errno == EINVAL,
           "nonsense accepted");
    close(fd);
}

static void of_stored_file(void)
{
    int fd = settled_file("file", 4);
    char *map = map_shared(fd, 4 * PAGE);

    map[0] = 1;
    set_and_expect("file", (struct timespec){-5, 5}, (struct timespec){4102444800, 7});
    CHECK(msync(map, 4 * PAGE, MS_SYNC) == 0 && fsync(fd) == 0);
    expect_times("file", (struct timespec){-5, 5}, (struct timespec){4102444800, 7});
    close(fd);
}

static void extended_status(void)
{
    struct statx extended;
    struct stat status;
    int fd = settled_file("file", 4);

    CHECK(futimens(fd, (struct timespec[]){{-7, 1}, {4102444800, 2}}) == 0);
    status = status_of("file");
    CHECK(statx(AT_FDCWD, "file", AT_STATX_FORCE_SYNC, STATX_BASIC_STATS, &extended) == 0);
    EXPECT(extended.stx_mtime.tv_sec == status.st_mtim.tv_sec && extended.stx_mtime.tv_nsec == 2, "statx tells another mtime");
    EXPECT(extended.stx_atime.tv_sec == -7 && extended.stx_atime.tv_nsec == 1, "statx tells another atime");
    EXPECT(extended.stx_size == 4 * PAGE && extended.stx_nlink == 1, "statx tells another size");
    CHECK(statx(AT_FDCWD, "file", AT_STATX_DONT_SYNC, STATX_BASIC_STATS, &extended) == 0);
    EXPECT(extended.stx_mtime.tv_sec == status.st_mtim.tv_sec, "statx without sync tells another mtime");
    close(fd);
}

const struct check kept_checks[] = {
    {"T3-times-of-all-ranges", ranges},
    {"T3-omit-and-now", omitted},
    {"T3-set-on-stored-file", of_stored_file},
    {"T3-statx", extended_status},
    {NULL, NULL},
};
