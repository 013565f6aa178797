/* A disk that records what is written to it, and what may be left of that when the power goes.
 *   power-disk serve IMAGE LOG COUNT FOLDER      FOLDER/disk is the image; each write and flush is added to the log, and counted
 *   power-disk cut IMAGE LOG EVENTS SEED         makes the image one that may be there after so many events: all that was written before the last of their
 *                                                flushes is, and of each page that was written since, one of what it was and what it became */
#include "config.h"

#include <fuse.h>

#include "power.h"

#define SECTORS_KEPT 4096u /* written whole or not at all */

struct event {
    uint64_t offset;
    uint32_t length; /* bytes that follow; 0: a flush */
};

static int image, log_fd;
static power_count *count;

static void note(const struct event *event, const char *bytes)
{
    CHECK(write(log_fd, event, sizeof(*event)) == sizeof(*event));
    CHECK(write(log_fd, bytes, event->length) == (ssize_t)event->length);
    ++*count;
}

static int get_attributes(const char *path, struct stat *out, struct fuse_file_info *info)
{
    (void)info;
    if (strcmp(path, "/") == 0)
        *out = (struct stat){.st_mode = S_IFDIR | 0700, .st_nlink = 2};
    else if (strcmp(path, "/disk") != 0 || fstat(image, out) < 0)
        return -ENOENT;
    return 0;
}

/* Past the page cache, so that a write is here before it is answered. */
static int open_disk(const char *path, struct fuse_file_info *info)
{
    (void)path;
    info->direct_io = 1;
    return 0;
}

static int read_disk(const char *path, char *bytes, size_t length, off_t offset, struct fuse_file_info *info)
{
    ssize_t done = pread(image, bytes, length, offset);

    (void)path, (void)info;
    return done < 0 ? -errno : (int)done;
}

static int write_disk(const char *path, const char *bytes, size_t length, off_t offset, struct fuse_file_info *info)
{
    ssize_t done = pwrite(image, bytes, length, offset);

    (void)path, (void)info;
    if (done < 0)
        return -errno;
    note(&(struct event){.offset = (uint64_t)offset, .length = (uint32_t)done}, bytes);
    return (int)done;
}

static int flush_disk(const char *path, int data, struct fuse_file_info *info)
{
    (void)path, (void)data, (void)info;
    note(&(struct event){0}, "");
    return 0;
}

static const struct fuse_operations operations = {
    .getattr = get_attributes, .open = open_disk, .read = read_disk, .write = write_disk, .fsync = flush_disk};

static int serve(char *program, char *folder)
{
    char foreground[] = "-f", single[] = "-s";
    char *argv[] = {program, foreground, single, folder, NULL};

    return fuse_main(4, argv, &operations, NULL);
}

/* ---- a cut ---- */

enum habit { NOTHING, ALL, SOME, MOST, HABITS };

static bool kept(enum habit habit, uint64_t *random)
{
    return habit == ALL || (habit == SOME && random_next(random) % 2) || (habit == MOST && random_next(random) % 16);
}

static void copy(const struct event *event, off_t at, enum habit habit, uint64_t *random)
{
    static char bytes[1 << 20];

    CHECK(event->length <= sizeof(bytes) && pread(log_fd, bytes, event->length, at) == (ssize_t)event->length);
    for (uint32_t done = 0; done < event->length; done += SECTORS_KEPT) {
        uint32_t length = event->length - done < SECTORS_KEPT ? event->length - done : SECTORS_KEPT;

        if (kept(habit, random))
            CHECK(pwrite(image, bytes + done, length, (off_t)(event->offset + done)) == (ssize_t)length);
    }
}

static void cut(uint64_t events, uint64_t random)
{
    enum habit habit = (enum habit)(random_next(&random) % HABITS);
    uint64_t flushed = 0, i;
    struct event event;
    off_t at = 0;

    for (i = 0; i < events; i++, at += (off_t)sizeof(event) + event.length) {
        CHECK(pread(log_fd, &event, sizeof(event), at) == sizeof(event));
        if (!event.length)
            flushed = i;
    }
    for (i = 0, at = 0; i < events; i++, at += (off_t)sizeof(event) + event.length) {
        CHECK(pread(log_fd, &event, sizeof(event), at) == sizeof(event));
        copy(&event, at + (off_t)sizeof(event), i < flushed ? ALL : habit, &random);
    }
}

int main(int argc, char **argv)
{
    CHECK(argc == 6, "usage: power-disk serve IMAGE LOG COUNT FOLDER | power-disk cut IMAGE LOG EVENTS SEED");
    image = open(argv[2], O_RDWR | O_CLOEXEC);
    log_fd = open(argv[3], O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    CHECK(image >= 0 && log_fd >= 0);
    if (strcmp(argv[1], "serve") == 0) {
        count = power_map(argv[4]);
        return serve(argv[0], argv[5]);
    }
    cut(strtoull(argv[4], NULL, 0), strtoull(argv[5], NULL, 0) * 2654435761u | 1);
    return 0;
}
