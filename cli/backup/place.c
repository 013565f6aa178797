#include "config.h"

#include "backup/place.h"
#include "mapshare-abi.h"
#include "message.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define OBJECTS_NAME "objects"
#define LIST_NAME "list"
#define LOG_NAME "journal"

static int fail(const struct backup *backup)
{
    message_error(backup->destination, -errno);
    return -1;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Of the folder that the destination is, or will be in: whether it lies in one of these: the store, the mount, the earlier backup. */
static bool lies_within(int folder, const struct stat *folders, size_t count)
{
    struct stat here, below = {0};
    int fd = openat(folder, ".", O_PATH | O_DIRECTORY | O_CLOEXEC), above;
    bool within = false, top = false;

    while (fd >= 0 && !within && !top) {
        if (fstat(fd, &here))
            break;
        for (size_t i = 0; i < count; i++)
            within |= is_same(&here, &folders[i]);
        top = is_same(&here, &below);
        below = here;
        above = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
        close(fd);
        fd = above;
    }
    if (fd >= 0)
        close(fd);
    return within;
}

/* The folder where the destination is to be made. */
static int open_above(const char *destination)
{
    char path[PATH_MAX];
    size_t length = strlen(destination);

    if (length >= sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(path, destination);
    while (length > 1 && path[length - 1] == '/')
        path[--length] = '\0';
    strcpy(strrchr(path, '/') ? strrchr(path, '/') + 1 : path, ".");
    return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static bool is_empty(int folder)
{
    DIR *entries = fdopendir(openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const struct dirent *entry;
    bool empty = entries;

    while (empty && (entry = readdir(entries)))
        empty = !strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..");
    if (entries)
        closedir(entries);
    return empty;
}

/* Before anything is made. */
static int check_where(const struct backup *backup)
{
    const char *earlier = backup->earlier.name;
    struct stat folders[3];
    int above = open(backup->destination, O_PATH | O_DIRECTORY | O_CLOEXEC);
    bool within;

    if (above < 0 && errno == ENOENT)
        above = open_above(backup->destination);
    if (above < 0 || fstat(backup->store, &folders[0]) || stat(backup->source.mount, &folders[1]))
        return fail(backup);
    if (earlier && stat(earlier, &folders[2])) {
        message_error(earlier, -errno);
        return -1;
    }
    within = lies_within(above, folders, earlier ? 3 : 2);
    close(above);
    if (within)
        message("%s: lies in the store, the mount or the earlier backup; give a folder outside of these",
                quoted(backup->destination));
    return within ? -1 : 0;
}

static int open_target(struct backup *backup)
{
    if (mkdir(backup->destination, 0700) && errno != EEXIST)
        return fail(backup);
    backup->target = open(backup->destination, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (backup->target < 0)
        return fail(backup);
    if (is_empty(backup->target))
        return 0;
    if (!faccessat(backup->target, MAPSHARE_INCOMPLETE, F_OK, 0))
        message("%s: has an incomplete backup; remove it, or give another folder", quoted(backup->destination));
    else
        message("%s: is not empty; give a new folder, or an empty one", quoted(backup->destination));
    return -1;
}

int backup_place_begin(struct backup *backup)
{
    int list;

    if (check_where(backup) || open_target(backup))
        return -1;
    fremovexattr(backup->target, "system.posix_acl_default"); /* what is made in it gets no more than it had */
    if (mkdirat(backup->target, MAPSHARE_PRIVATE_FOLDER, 0700) || mkdirat(backup->target, MAPSHARE_INCOMPLETE, 0700))
        return fail(backup);
    backup->work = openat(backup->target, MAPSHARE_INCOMPLETE, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (backup->work < 0 || mkdirat(backup->work, OBJECTS_NAME, 0700))
        return fail(backup);
    backup->objects = openat(backup->work, OBJECTS_NAME, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    backup->log = openat(backup->work, LOG_NAME, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    list = openat(backup->work, LIST_NAME, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    backup->list = list < 0 ? NULL : fdopen(list, "w+");
    return backup->objects < 0 || backup->log < 0 || !backup->list ? fail(backup) : 0;
}

int backup_place_drop_objects(struct backup *backup)
{
    DIR *folder =
        fdopendir(openat(backup->objects, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)); /* some list what was there when opened */
    const struct dirent *entry;
    int result = folder ? 0 : -1;

    while (!result && (entry = readdir(folder))) {
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
            result = unlinkat(backup->objects, entry->d_name, 0);
    }
    if (folder)
        closedir(folder);
    if (!result)
        result = unlinkat(backup->work, OBJECTS_NAME, AT_REMOVEDIR);
    return result ? fail(backup) : 0;
}

/* It is his whose daemon may mount the copy. */
static int hand_over(const struct backup *backup)
{
    struct stat status;

    if (fstat(backup->private, &status) || status.st_uid == geteuid())
        return 0;
    return fchownat(backup->target, MAPSHARE_PRIVATE_FOLDER, status.st_uid, status.st_gid, AT_SYMLINK_NOFOLLOW);
}

/* What nobody needs any more is not written to the disk. The root's times are as they were before the mark was made and removed. */
int backup_place_complete(struct backup *backup)
{
    struct stat status;
    bool done = !fstat(backup->target, &status) && !hand_over(backup) && !ftruncate(backup->log, 0) &&
                !unlinkat(backup->work, LIST_NAME, 0) && !unlinkat(backup->work, LOG_NAME, 0) && !syncfs(backup->target) &&
                !unlinkat(backup->target, MAPSHARE_INCOMPLETE, AT_REMOVEDIR);

    if (done)
        done = !futimens(backup->target, (struct timespec[]){status.st_atim, status.st_mtim}) && !fsync(backup->target);
    return done ? 0 : fail(backup);
}

void backup_place_close(struct backup *backup)
{
    const int open[] = {backup->target, backup->work, backup->objects, backup->log};

    for (size_t i = 0; i < sizeof open / sizeof open[0]; i++) {
        if (open[i] >= 0)
            close(open[i]);
    }
    if (backup->list)
        fclose(backup->list);
}
