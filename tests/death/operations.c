/* The operations. Each is written once; the plain folder shows what must come of it. */
#include "config.h"

#include "content.h"
#include "operations.h"

#include <sys/mount.h>
#include <sys/sysmacros.h>

#include "../mount/check.h"
#include "mapshare.h"

#define FILES 120 /* more than a daemon with few descriptors can keep open */

struct place place;
static int fd, second;
static unsigned char *map;

/* ---- what they need ---- */

/* The kernel drops every name and inode that nobody uses: the daemon is told to forget them. */
static void forget_all(void)
{
    if (place.on_mount)
        CHECK(mount(NULL, place.mountpoint, NULL, MS_REMOUNT | MS_NOSUID | MS_NODEV, NULL) == 0);
}

static uint64_t attribute(const char *path, const char *name)
{
    char text[64];
    ssize_t size = getxattr(path, name, text, sizeof text - 1);

    CHECK(size > 0, "%s of %s", name, path);
    text[size] = '\0';
    return strtoull(text, NULL, 10);
}

/* ---- nothing before, or one file ---- */

static void nothing(void)
{
}

/* A file known to the daemon, synced, and others that it was told to forget. */
static void one_file(void)
{
    make_synced("forgotten", 3 * PAGE + 5, 20);
    CHECK(symlink("forgotten", "symbolic") == 0);
    forget_all();
    make_synced("file", 10 * PAGE + 100, 1);
    fd = open("file", O_RDWR | O_CLOEXEC);
    CHECK(fd >= 0);
}

static void dirty_file(void)
{
    one_file();
    put(fd, 2 * PAGE + 10, 3 * PAGE, 2);
}

static void two_files(void)
{
    one_file();
    make_synced("other", 5 * PAGE, 3);
    second = open("other", O_RDWR | O_CLOEXEC);
    CHECK(second >= 0);
    put(second, PAGE, PAGE, 4);
}

/* ---- names ---- */

static void op_create(void)
{
    int file = open("new", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0604);

    CHECK(file >= 0);
    put(file, PAGE - 5, 2 * PAGE, 5);
    sync_and_close(file);
    file = open("new", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK(file >= 0);
    put(file, 0, 10, 6);
    sync_and_close(file);
}

static void op_folder(void)
{
    CHECK(mkdir("folder", 0750) == 0 && mkdir("folder/inner", 0700) == 0);
    make_synced("folder/inner/file", 2 * PAGE, 7);
    CHECK(rmdir("folder") == -1 && errno == ENOTEMPTY);
    CHECK(mkdir("passing", 0700) == 0 && rmdir("passing") == 0);
}

static void op_symlink(void)
{
    char text[8] = {0};

    CHECK(symlink("target", "link") == 0 && readlink("link", text, sizeof text) == 6 && strcmp(text, "target") == 0);
    CHECK(symlink("target", "passing") == 0 && unlink("passing") == 0);
    CHECK(mknod("pipe", S_IFIFO | 0620, 0) == 0);
}

static void op_link(void)
{
    put(fd, 0, PAGE, 8);
    CHECK(link("file", "linked") == 0);
    CHECK(fsync(fd) == 0);
    CHECK(link("linked", "passing") == 0 && unlink("passing") == 0);
    put(fd, PAGE, PAGE, 9);
    CHECK(unlink("file") == 0);
    sync_and_close(fd);
}

static void op_rename(void)
{
    put(fd, 0, PAGE, 10);
    CHECK(rename("file", "renamed") == 0);
    CHECK(mkdir("folder", 0700) == 0 && rename("renamed", "folder/moved") == 0);
    sync_and_close(fd);
    CHECK(rename("folder", "folder2") == 0);
}

static void op_rename_over(void)
{
    put(fd, 0, PAGE, 11);
    CHECK(fsync(fd) == 0);
    CHECK(rename("file", "other") == 0);
    expect(second, PAGE, PAGE, 4);
    put(second, 2 * PAGE, 3 * PAGE, 12); /* to what lost its name */
    CHECK(fsync(second) == 0 && close(second) == 0);
    sync_and_close(fd);
    make_synced("after", 4 * PAGE, 13); /* may take the slots that became free */
}

static void op_exchange(void)
{
    put(fd, 0, PAGE, 14);
    CHECK(renameat2(AT_FDCWD, "file", AT_FDCWD, "other", RENAME_EXCHANGE) == 0);
    sync_and_close(second);
    sync_and_close(fd);
}

static void op_noreplace(void)
{
    CHECK(renameat2(AT_FDCWD, "file", AT_FDCWD, "bystander-1", RENAME_NOREPLACE) == -1 && errno == EEXIST);
    CHECK(renameat2(AT_FDCWD, "file", AT_FDCWD, "fresh", RENAME_NOREPLACE) == 0);
    sync_and_close(fd);
    sync_and_close(second);
}

/* What editors do: a new file with the old one's name, complete before it has that name. */
static void op_replace(void)
{
    int file = make("file.new", 6 * PAGE + 1, 15);

    CHECK(fsync(file) == 0 && close(file) == 0 && rename("file.new", "file") == 0);
    expect(fd, 0, 10 * PAGE + 100, 1);
    CHECK(close(fd) == 0);
}

static void op_unlink(void)
{
    put(fd, 0, 4 * PAGE, 16);
    CHECK(close(fd) == 0 && unlink("file") == 0);
    CHECK(unlink("forgotten") == 0);
    make_synced("after", 7 * PAGE, 17);
    make_synced("behind", PAGE, 18);
}

static void op_unlink_open(void)
{
    struct stat status;

    put(fd, 0, 4 * PAGE, 19);
    CHECK(unlink("file") == 0);
    put(fd, 20 * PAGE, PAGE, 20);
    CHECK(fsync(fd) == 0 && fstat(fd, &status) == 0 && status.st_nlink == 0 && status.st_size == 21 * PAGE);
    make_synced("after", 7 * PAGE, 21);
    expect(fd, 0, 4 * PAGE, 19);
    expect(fd, 20 * PAGE, PAGE, 20);
    CHECK(ftruncate(fd, 100) == 0 && close(fd) == 0);
    make_synced("behind", PAGE, 22);
}

/* Files come and go while others are being written: records and slots are used again and again. */
static void op_churn(void)
{
    char name[16];

    for (unsigned i = 0; i < 6; i++) {
        int file;

        snprintf(name, sizeof name, "churn-%u", i);
        file = make(name, (i + 1) * PAGE, 30 + i);
        if (i % 3 == 0)
            CHECK(fsync(file) == 0);
        if (i % 2)
            CHECK(unlink(name) == 0);
        CHECK(i % 3 == 2 ? fsync(file) == 0 : true);
        CHECK(close(file) == 0);
        if (i == 2)
            forget_all();
    }
    for (unsigned i = 0; i < 6; i += 2) {
        snprintf(name, sizeof name, "churn-%u", i);
        second = open(name, O_RDWR | O_CLOEXEC);
        CHECK(second >= 0);
        sync_and_close(second);
    }
    CHECK(close(fd) == 0);
}

static void op_forget(void)
{
    int file;

    CHECK(close(fd) == 0);
    forget_all();
    file = open("file", O_RDWR | O_CLOEXEC);
    CHECK(file >= 0);
    expect(file, 0, PAGE, 1);
    put(file, 3 * PAGE, PAGE, 23);
    CHECK(close(file) == 0);
    forget_all();
    file = open("file", O_RDWR | O_CLOEXEC);
    CHECK(file >= 0);
    expect(file, 3 * PAGE, PAGE, 23);
    sync_and_close(file);
    forget_all();
    CHECK(unlink("forgotten") == 0);
}

static void op_attributes(void)
{
    const struct timespec times[2] = {{1000, 5}, {2000, 7}};
    char value[8];

    CHECK(setxattr("file", "user.once", "x", 1, XATTR_CREATE) == 0);
    CHECK(setxattr("file", "user.once", "yy", 2, XATTR_REPLACE) == 0);
    CHECK(setxattr("file", "user.once", "z", 1, XATTR_CREATE) == -1 && errno == EEXIST);
    CHECK(getxattr("file", "user.once", value, sizeof value) == 2);
    CHECK(setxattr("file", "user.passing", "z", 1, 0) == 0 && removexattr("file", "user.passing") == 0);
    CHECK(chmod("file", 0604) == 0 && chown("forgotten", 12, 13) == 0);
    CHECK(utimensat(AT_FDCWD, "file", times, 0) == 0);
    put(fd, 0, 5, 24);
    CHECK(futimens(fd, times) == 0);
    sync_and_close(fd);
}

static void op_open_close(void)
{
    int files[4];

    for (unsigned i = 0; i < 4; i++)
        files[i] = open(i % 2 ? "file" : "forgotten", i < 2 ? O_RDONLY | O_CLOEXEC : O_RDWR | O_CLOEXEC);
    expect(files[1], 0, 2 * PAGE, 1);
    put(files[2], 100, 5, 25);
    for (unsigned i = 0; i < 4; i++)
        CHECK(files[i] >= 0 && (i != 2 || fsync(files[i]) == 0) && close(files[i]) == 0);
    sync_and_close(fd);
}

/* ---- data ---- */

static void op_write(void)
{
    put(fd, 5, 10, 26);
    put(fd, 3 * PAGE - 1, 2 * PAGE, 27);
    put(fd, 12 * PAGE, 3, 28);
    sync_and_close(fd);
}

/* Committed in time without the client's asking, or at unmount. */
static void op_write_unsynced(void)
{
    put(fd, 5, 4 * PAGE, 29);
    CHECK(close(fd) == 0);
}

static void op_mapped(void)
{
    map = map_shared(fd, 10 * PAGE);
    for (unsigned page = 0; page < 10; page += 3)
        fill(map + page * PAGE + page, 100, page);
    CHECK(msync(map, 10 * PAGE, MS_SYNC) == 0);
    fill(map + 3 * PAGE, 50, 77); /* a second time, while the first is on its way */
    CHECK(msync(map + 3 * PAGE, PAGE, MS_SYNC) == 0);
    fill(map + 6 * PAGE, 50, 78); /* sent by munmap, committed by fsync */
    CHECK(munmap(map, 10 * PAGE) == 0);
    sync_and_close(fd);
}

static void op_truncate(void)
{
    CHECK(ftruncate(fd, 4 * PAGE + 5) == 0);
    CHECK(ftruncate(fd, 7 * PAGE) == 0);
    put(fd, 6 * PAGE, 10, 31);
    CHECK(fsync(fd) == 0);
    CHECK(ftruncate(fd, PAGE) == 0);
    CHECK(truncate("file", 2 * PAGE) == 0);
    sync_and_close(fd);
}

static void op_punch(void)
{
    CHECK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, PAGE + 7, 4 * PAGE) == 0);
    CHECK(fsync(fd) == 0);
    CHECK(fallocate(fd, FALLOC_FL_ZERO_RANGE, 6 * PAGE, 2 * PAGE) == 0);
    put(fd, 3 * PAGE, 5, 32);
    CHECK(fallocate(fd, 0, 20 * PAGE, PAGE) == 0);
    sync_and_close(fd);
}

static struct mapshare *open_atomic(const char *path)
{
    struct mapshare_options options = {.size = 4 * PAGE, .flags = MAPSHARE_OPEN_ATOMIC};
    struct mapshare *ms = mapshare_open(path, O_RDWR | O_CREAT, 0600, &options);

    CHECK(ms, "%s", path);
    return ms;
}

/* Three files in one commit; on the plain folder each by itself. */
static void op_group(void)
{
    static const char *const names[] = {"group-0", "group-1", "group-2"};
    struct mapshare *files[3];

    for (unsigned i = 0; i < 3; i++) {
        if (place.on_mount) {
            files[i] = open_atomic(names[i]);
            fill(mapshare_addr(files[i]), 2 * PAGE, 40 + i);
        } else {
            int file = make(names[i], 2 * PAGE, 40 + i);
            CHECK(fchmod(file, 0600) == 0 && ftruncate(file, 4 * PAGE) == 0 && close(file) == 0);
        }
    }
    if (place.on_mount) {
        CHECK(mapshare_commit(files, 3, NULL) == 0);
        for (unsigned i = 0; i < 3; i++)
            mapshare_close(files[i]);
    }
    CHECK(close(fd) == 0);
}

/* What no commit has is gone; on the plain folder it never was. */
static void op_rollback(void)
{
    if (place.on_mount) {
        struct mapshare *files[2] = {mapshare_open("file", O_RDWR, 0, NULL), mapshare_open("other", O_RDWR, 0, NULL)};

        CHECK(files[0] && files[1]);
        put(second, 0, PAGE, 51);
        fill((unsigned char *)mapshare_addr(files[0]) + 3 * PAGE, 2 * PAGE, 52);
        put(fd, 12 * PAGE, 5, 53);
        CHECK(ftruncate(second, 3 * PAGE + 7) == 0 && ftruncate(second, 9 * PAGE) == 0);
        CHECK(mapshare_rollback(files, 2, NULL) == 0);
        CHECK(mapshare_close(files[0]) == 0 && mapshare_close(files[1]) == 0);
    }
    expect(fd, 0, 10 * PAGE + 100, 1);
    expect(second, 2 * PAGE, 3 * PAGE, 54);
    put(fd, PAGE, 5, 55);
    sync_and_close(second);
    sync_and_close(fd);
}

static void op_feed(void)
{
    operate_on_feed(fd);
    CHECK(close(fd) == 0);
}

static void op_two(void)
{
    int fds[] = {fd, second};

    operate_on_two(fds);
    CHECK(close(fd) == 0 && close(second) == 0);
}

/* ---- memory ---- */

static void many_files(void)
{
    char name[16];

    for (unsigned i = 0; i < FILES; i++) {
        snprintf(name, sizeof name, "many-%u", i);
        make_synced(name, PAGE + i, i);
    }
}

/* More files at work than the daemon may have open. */
static void op_descriptors(void)
{
    char name[16];

    for (unsigned i = 0; i < FILES; i++) {
        int file;

        snprintf(name, sizeof name, "many-%u", i);
        file = open(name, O_RDWR | O_CLOEXEC);
        CHECK(file >= 0);
        put(file, PAGE / 2, PAGE, 100 + i);
        CHECK((i % 8 || fsync(file) == 0) && close(file) == 0);
    }
    for (unsigned i = 0; i < FILES; i++) {
        snprintf(name, sizeof name, "many-%u", i);
        second = open(name, O_RDWR | O_CLOEXEC);
        CHECK(second >= 0);
        sync_and_close(second);
    }
}

#define SPILL_PAGES (18 << 8) /* 18 MiB; cache_size is 16 */

/* More pages than the cache holds, of one atomic file. */
static void op_spill(void)
{
    for (size_t at = 0; at < SPILL_PAGES; at += 256)
        put(fd, (off_t)at * PAGE, 256 * PAGE, (unsigned)at);
    sync_and_close(fd);
}

#define CHECKPOINT_PAGES 640 /* more than half of the journal of 4 MiB */

static void op_checkpoint(void)
{
    put(fd, 0, (size_t)CHECKPOINT_PAGES * PAGE, 50);
    CHECK(ftruncate(second, 100) == 0 && fsync(second) == 0);
    CHECK(fsync(fd) == 0);
    if (place.on_mount) {
        while (attribute("file", "user.mapshare.committed"))
            usleep(1000);
    }
    CHECK(close(fd) == 0 && close(second) == 0);
}

/* ---- the next worker ---- */

/* Everything that a next worker has to take over: pages received and committed, handles, a file without a name, a truncation that was
 * not committed, a mapping. */
static void much(void)
{
    two_files();
    make_synced("unlinked", 3 * PAGE, 60);
    put(second, 3 * PAGE, PAGE, 61);
    CHECK(fsync(second) == 0);
    CHECK(ftruncate(second, 3 * PAGE + 5) == 0);
    put(fd, 4 * PAGE, 2 * PAGE, 62);
    CHECK(fsync(fd) == 0);
    put(fd, 5 * PAGE, 2 * PAGE, 63);
    map = map_shared(fd, 10 * PAGE);
    fill(map + 8 * PAGE, 30, 64);
}

static void op_takeover(void)
{
    int file = open("unlinked", O_RDWR | O_CLOEXEC);

    CHECK(file >= 0 && unlink("unlinked") == 0);
    put(file, PAGE, PAGE, 65);
    if (place.on_mount)
        CHECK(kill(place.worker, SIGKILL) == 0 || errno == ESRCH); /* at a point before */
    CHECK(mkdir("folder", 0700) == 0);
    expect(file, PAGE, PAGE, 65);
    CHECK(close(file) == 0);
    CHECK(munmap(map, 10 * PAGE) == 0);
    sync_and_close(fd);
    sync_and_close(second);
}

static void op_unmount(void)
{
    int file = make("late", 2 * PAGE, 66);

    put(file, 0, 5, 67);
    CHECK(close(file) == 0 && munmap(map, 10 * PAGE) == 0 && close(fd) == 0 && close(second) == 0);
}

/* Of atomic files nothing but their last commit is left. */
static void op_discard(void)
{
    if (place.on_mount) {
        put(fd, PAGE, 5 * PAGE, 68);
        CHECK(ftruncate(fd, 20 * PAGE) == 0);
        put(second, 0, 5, 69);
    }
    CHECK(close(fd) == 0 && close(second) == 0);
}

static void two_synced(void)
{
    two_files();
    CHECK(fsync(second) == 0);
}

/* Committed, and not yet in the store. */
static void two_committed(void)
{
    two_files();
    put(second, 2 * PAGE, 3 * PAGE, 54);
    CHECK(fsync(second) == 0);
}

const struct operation operations[] = {
    {.name = "create", .prepare = one_file, .operate = op_create},
    {.name = "folder", .prepare = nothing, .operate = op_folder},
    {.name = "symlink", .prepare = nothing, .operate = op_symlink},
    {.name = "link", .prepare = one_file, .operate = op_link},
    {.name = "rename", .prepare = dirty_file, .operate = op_rename},
    {.name = "rename-over", .prepare = two_files, .operate = op_rename_over},
    {.name = "exchange", .prepare = two_files, .operate = op_exchange},
    {.name = "noreplace", .prepare = two_files, .operate = op_noreplace},
    {.name = "replace", .prepare = one_file, .operate = op_replace},
    {.name = "unlink", .prepare = dirty_file, .operate = op_unlink},
    {.name = "unlink-open", .prepare = dirty_file, .operate = op_unlink_open},
    {.name = "churn", .prepare = one_file, .operate = op_churn},
    {.name = "forget", .prepare = dirty_file, .operate = op_forget},
    {.name = "attributes", .prepare = one_file, .operate = op_attributes},
    {.name = "open-close", .prepare = dirty_file, .operate = op_open_close},
    {.name = "write", .prepare = one_file, .operate = op_write},
    {.name = "write-unsynced", .prepare = one_file, .operate = op_write_unsynced, .volatile_end = true},
    {.name = "mapped", .prepare = dirty_file, .operate = op_mapped},
    {.name = "truncate", .prepare = dirty_file, .operate = op_truncate},
    {.name = "punch", .prepare = dirty_file, .operate = op_punch},
    {.name = "group", .prepare = one_file, .operate = op_group},
    {.name = "rollback", .prepare = two_committed, .operate = op_rollback, .options = "atomic", .stride = 50},
    {.name = "feed", .prepare = one_file, .operate = op_feed},
    {.name = "two", .prepare = two_committed, .operate = op_two, .options = "threads=4", .stride = 30},
    {.name = "locks", .prepare = one_file, .operate = operate_on_locks},
    {.name = "descriptors", .prepare = many_files, .operate = op_descriptors, .descriptors = 96, .stride = 600},
    {.name = "spill",
     .prepare = one_file,
     .operate = op_spill,
     .options = "atomic,cache_size=16M,journal_size=64M",
     .stride = 4000},
    {.name = "checkpoint", .prepare = two_files, .operate = op_checkpoint, .options = "journal_size=4M", .stride = 400},
    {.name = "takeover", .prepare = much, .operate = op_takeover, .stride = 40},
    {.name = "unmount", .prepare = much, .operate = op_unmount, .at_unmount = true, .volatile_end = true},
    {.name = "discard", .prepare = two_synced, .operate = op_discard, .options = "atomic", .at_unmount = true},
    {0},
};
