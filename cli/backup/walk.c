/* The store, folder by folder. Names come and go meanwhile, unless they are frozen. */
#include "config.h"

#include "attributes.h"
#include "backup/copy.h"
#include "backup/list.h"
#include "backup/reuse.h"
#include "backup/walk.h"
#include "mapshare-abi.h"
#include "message.h"

#include "journal/path.h"
#include "store/identity.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

struct walk {
    struct backup *backup;
    bool lists;
    uint64_t copied;
    struct stat target;
    dev_t device;
    const char *path; /* for messages */
    char attributes[ATTRIBUTES_MAX];
    char link[PATH_MAX];
};

static int tell(const struct walk *walk, int error)
{
    char *name;

    if (asprintf(&name, "%s/%s", walk->backup->store_name, walk->path) >= 0) {
        message_error(name, error);
        free(name);
    }
    return -1;
}

static struct timespec time_of(const struct statx_timestamp *stamp)
{
    return (struct timespec){stamp->tv_sec, stamp->tv_nsec};
}

/* An ordinary user's daemon changes a mode for a moment to open a file, and leaves a note of the right one meanwhile (store/mode.h). */
static int take_mode(const struct walk *walk, int place, const char *object, uint32_t *mode)
{
    char note[sizeof "mode-" + IDENTITY_NAME_MAX] = "mode-", target[32] = "";
    struct stat status = {.st_mode = *mode};

    if (!walk->backup->foreign_modes)
        return 0;
    strcat(note, object);
    do {
        *mode = status.st_mode;
        if (readlinkat(walk->backup->private, note, target, sizeof target - 1) > 0) {
            *mode = (*mode & S_IFMT) | (mode_t)strtoul(target, NULL, 8);
            return 0;
        }
        if (fstat(place, &status))
            return -errno;
    } while (status.st_mode != *mode);
    return 0;
}

static int list(struct walk *walk, int place, enum backup_kind kind, const char *name, const char *object,
                const struct statx *status)
{
    struct backup_entry entry = {
        .record = {.kind = kind,
                   .mode = status->stx_mode,
                   .uid = status->stx_uid,
                   .gid = status->stx_gid,
                   .links = status->stx_nlink,
                   .name_length = strlen(name),
                   .device = makedev(status->stx_rdev_major, status->stx_rdev_minor),
                   .times = {time_of(&status->stx_atime), time_of(&status->stx_mtime)}},
        .name = (char *)name,
        .target = walk->link,
        .attributes = walk->attributes,
    };
    ssize_t length;
    int error = 0;

    backup_state_of(status, &entry.record.state);
    strcpy(entry.record.object, object);
    if (S_ISREG(status->stx_mode))
        error = take_mode(walk, place, object, &entry.record.mode);
    if (!error && S_ISLNK(status->stx_mode)) {
        length = readlinkat(place, "", walk->link, sizeof walk->link);
        error = length < 0 ? -errno : 0;
        entry.record.target_length = error ? 0 : (uint32_t)length;
    }
    if (!error && kind != BACKUP_ENTER)
        error = attributes_take(place, walk->attributes, &entry.record.attributes_length);
    if (error)
        return tell(walk, error);
    error = backup_list_write(walk->backup->list, &entry);
    if (error)
        message_error(walk->backup->destination, error);
    walk->backup->listed += kind != BACKUP_LEAVE;
    return error ? -1 : 0;
}

static int visit(struct walk *walk, int folder, const char *name);

static int walk_folder(struct walk *walk, int place, const char *name, const struct statx *status)
{
    int fd = path_reopen_folder(place), result = 0;
    const struct dirent *entry;
    DIR *folder;

    folder = fd < 0 ? NULL : fdopendir(fd);
    if (!folder)
        return tell(walk, fd < 0 ? fd : -errno);
    if (walk->lists)
        result = list(walk, place, BACKUP_ENTER, name, "", status);
    while (!result && (entry = readdir(folder))) {
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") && (*name || strcmp(entry->d_name, MAPSHARE_PRIVATE_FOLDER)))
            result = visit(walk, fd, entry->d_name);
    }
    if (!result && walk->lists)
        result = list(walk, place, BACKUP_LEAVE, name, "", status);
    closedir(folder);
    return result;
}

static int copy_once(struct walk *walk, int place, const struct statx *status, const char *object)
{
    int result;

    if (!faccessat(walk->backup->objects, object, F_OK, 0))
        return 0;
    result = backup_reuse(walk->backup, status, object);
    if (result)
        return result < 0 ? -1 : 0;
    result = backup_copy(walk->backup, place, walk->path, object);
    walk->copied += result == 0;
    return result;
}

/* What is open: a folder, a file, or something else. A file that is gone is passed over. */
static int look(struct walk *walk, int place, const char *name)
{
    struct identity identity;
    struct statx status;
    char object[IDENTITY_NAME_MAX] = "";
    int result = 0;

    if (statx(place, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &status))
        return tell(walk, -errno);
    identity_of(&status, &identity);
    if (identity.device != walk->device) /* the mount does not show it */
        return 0;
    if (S_ISDIR(status.stx_mode)) {
        if (status.stx_ino == walk->target.st_ino && identity.device == walk->target.st_dev) {
            message("%s: lies in the store that is to be copied; give a folder beside it", quoted(walk->backup->destination));
            return -1;
        }
        return walk_folder(walk, place, name, &status);
    }
    if (S_ISREG(status.stx_mode)) {
        identity_name(&identity, object);
        result = copy_once(walk, place, &status, object);
    }
    if (result == 0 && walk->lists)
        result = list(walk, place, BACKUP_ITEM, name, object, &status);
    backup_show_progress(walk->backup, walk->lists ? "listing" : "copying");
    return result < 0 ? -1 : 0;
}

static int open_and_look(struct walk *walk, int folder, const char *name)
{
    int place = openat(folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC), result;

    if (place < 0)
        return errno == ENOENT ? 0 : tell(walk, -errno);
    result = look(walk, place, name);
    close(place);
    return result ? result : backup_source_check(&walk->backup->source);
}

static int visit(struct walk *walk, int folder, const char *name)
{
    const char *outer = walk->path;
    char *path;
    int result = 0;

    if (asprintf(&path, "%s%s%s", outer, *outer ? "/" : "", name) < 0)
        return tell(walk, -ENOMEM);
    walk->path = path;
    if (backup_parts_cover(&walk->backup->parts, path, walk->lists))
        result = open_and_look(walk, folder, name);
    walk->path = outer;
    free(path);
    return result;
}

int backup_walk(struct backup *backup, bool lists, uint64_t *copied)
{
    struct walk *walk = malloc(sizeof *walk);
    struct stat status;
    int result;

    if (!walk || fstat(backup->target, &walk->target) || fstat(backup->store, &status)) {
        message_error(backup->store_name, walk ? -errno : -ENOMEM);
        free(walk);
        return -1;
    }
    walk->backup = backup;
    walk->lists = lists;
    walk->copied = 0;
    walk->device = status.st_dev;
    walk->path = "";
    backup->listed = 0;
    backup_parts_cover(&backup->parts, "", lists);
    result = look(walk, backup->store, "");
    *copied = walk->copied;
    free(walk);
    return result;
}
