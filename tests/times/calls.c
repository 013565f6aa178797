/* T7: system calls mark what POSIX says, and nothing else. */
#include "config.h"

#include "times.h"

#define NONE 0
#define M 1 /* mtime */
#define C 2 /* ctime */
#define MC (M | C)

static void expect_marks(const char *what, const struct stat *before, const struct stat *after, int marks, struct timespec from)
{
    struct timespec to = exact_now();
    const struct {
        const char *name;
        struct timespec old, new;
    } times[] = {{"mtime", before->st_mtim, after->st_mtim}, {"ctime", before->st_ctim, after->st_ctim}};

    for (int i = 0; i < 2; i++) {
        bool moved = compare_times(times[i].old, times[i].new) != 0;

        EXPECT(moved == ((marks >> i & 1) != 0), "%s of %s %s", times[i].name, what, moved ? "moved" : "did not move");
        EXPECT(!moved || (compare_times(times[i].new, from) >= 0 && compare_times(times[i].new, to) <= 0),
               "%s of %s is out of bounds", times[i].name, what);
    }
}

/* Calls marks of the file and of the folder, each as told. */
#define MARKS(file_marks, folder_marks, call)                                                    \
    do {                                                                                         \
        struct stat file_before, folder_before, file_after, folder_after;                        \
        struct timespec from;                                                                    \
        next_tick();                                                                             \
        file_before = status_of("file");                                                         \
        folder_before = status_of(".");                                                          \
        from = coarse_now();                                                                     \
        CHECK((call) >= 0, "%s", #call);                                                         \
        file_after = status_of("file");                                                          \
        folder_after = status_of(".");                                                           \
        expect_marks("the file by " #call, &file_before, &file_after, file_marks, from);         \
        expect_marks("the folder by " #call, &folder_before, &folder_after, folder_marks, from); \
        if (failure[0])                                                                          \
            return;                                                                              \
    } while (0)

static void writes(void)
{
    int fd = settled_file("file", 4), other = settled_file("other", 4), again;

    MARKS(MC, NONE, pwrite(fd, "x", 1, 0));
    MARKS(MC, NONE, pwrite(fd, "x", 1, 10 * PAGE));
    MARKS(NONE, NONE, pwrite(fd, "", 0, 0));
    MARKS(MC, NONE, copy_file_range(other, &(off_t){0}, fd, NULL, PAGE, 0));
    MARKS(NONE, NONE, fsync(fd));
    MARKS(NONE, NONE, again = open("file", O_RDWR));
    MARKS(NONE, NONE, close(again));
    MARKS(NONE, NONE, close(fd));
}

static void sizes(void)
{
    int fd = settled_file("file", 4), again;

    MARKS(MC, NONE, ftruncate(fd, 100));
    MARKS(MC, NONE, truncate("file", 10 * PAGE));
    MARKS(MC, NONE, fallocate(fd, 0, 0, 20 * PAGE));
    MARKS(MC, NONE, fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE));
    MARKS(MC, NONE, again = open("file", O_RDWR | O_TRUNC));
    close(again);
    close(fd);
}

static void status_changes(void)
{
    int fd = settled_file("file", 1);

    MARKS(C, NONE, chmod("file", 0600));
    MARKS(C, NONE, fchmod(fd, 0644));
    MARKS(C, NONE, chown("file", getuid(), getgid()));
    MARKS(C, NONE, setxattr("file", "user.x", "1", 1, 0));
    MARKS(C, NONE, removexattr("file", "user.x"));
    MARKS(NONE, NONE, access("file", R_OK));
    close(fd);
}

static void names(void)
{
    int fd = settled_file("file", 1);

    MARKS(C, MC, link("file", "linked"));
    MARKS(C, MC, unlink("linked"));
    MARKS(NONE, MC, symlink("file", "symbolic"));
    MARKS(NONE, MC, unlink("symbolic"));
    MARKS(NONE, MC, mkdir("folder", 0755));
    MARKS(NONE, MC, rename("folder", "renamed"));
    MARKS(NONE, MC, rmdir("renamed"));
    MARKS(NONE, MC, mknod("fifo", S_IFIFO | 0600, 0));
    MARKS(NONE, MC, unlink("fifo"));
    MARKS(C, MC, rename("file", "other") + rename("other", "file"));
    MARKS(NONE, NONE, open("file", O_RDONLY));
    close(fd);
}

static void new_objects(void)
{
    static const char *const objects[] = {"file", "folder", "fifo", "symbolic"};
    struct timespec from;

    next_tick();
    from = coarse_now();
    close(open("file", O_CREAT | O_EXCL | O_WRONLY, 0600));
    CHECK(mkdir("folder", 0700) == 0 && mknod("fifo", S_IFIFO | 0600, 0) == 0 && symlink("x", "symbolic") == 0);
    for (int i = 0; i < 4; i++) {
        struct stat status = status_of(objects[i]);

        expect_marked(status, from, exact_now());
        EXPECT(compare_times(status.st_atim, from) >= 0 && compare_times(status.st_atim, exact_now()) <= 0, "atime of %s",
               objects[i]);
    }
}

static void folder_of_the_names(void)
{
    struct stat one, two;

    CHECK(mkdir("one", 0755) == 0 && mkdir("two", 0755) == 0);
    close(open("one/x", O_CREAT | O_WRONLY, 0600));
    next_tick();
    one = status_of("one");
    two = status_of("two");
    CHECK(rename("one/x", "two/x") == 0);
    EXPECT(compare_times(status_of("one").st_mtim, one.st_mtim) > 0, "rename does not mark the old folder");
    EXPECT(compare_times(status_of("two").st_mtim, two.st_mtim) > 0, "rename does not mark the new folder");
}

/* What mapped stores and calls do to each other. */
static void call_after_store(void)
{
    int fd = settled_file("file", 4);
    char *map = map_shared(fd, 4 * PAGE);

    map[0] = 1;
    CHECK(msync(map, PAGE, MS_SYNC) == 0);
    MARKS(C, NONE, chmod("file", 0600));
    MARKS(MC, NONE, pwrite(fd, "x", 1, PAGE));
    close(fd);
}

const struct check call_checks[] = {
    {"T7-write-and-copy", writes},
    {"T7-truncate-and-allocate", sizes},
    {"T7-chmod-chown-attributes", status_changes},
    {"T7-names", names},
    {"T7-new-objects", new_objects},
    {"T7-rename-between-folders", folder_of_the_names},
    {"T7-calls-after-stores", call_after_store},
    {NULL, NULL},
};
