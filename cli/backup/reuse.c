/* What an earlier backup has already: blocks are shared where the file system can, else the file itself is, under one more name. */
#include "config.h"

#include "backup/copy.h"
#include "backup/index.h"
#include "backup/reuse.h"
#include "mapshare-abi.h"
#include "message.h"
#include "store_folder.h"

#include "journal/path.h"
#include "store/linked.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define OWN_NAME "own"

/* The copy is as it was when it was complete. Another name of it more or less moves its ctime: then all else must do, for nobody writes through a mount
 * to what has other names (store/linked.h). */
static bool is_as_left(const struct backup_index_record *record, const struct statx *status)
{
    struct backup_state state;
    struct identity identity;
    char who[IDENTITY_NAME_MAX];

    identity_of(status, &identity);
    identity_name(&identity, who);
    backup_state_of(status, &state);
    if (status->stx_nlink != record->links)
        state.changed = record->copy.changed;
    return status->stx_mode == record->mode && status->stx_uid == record->uid && status->stx_gid == record->gid &&
           !strcmp(who, record->who) && backup_state_same(&state, &record->copy);
}

/* What the entry tells of, with O_PATH; -ESTALE: it is not there any more. */
static int open_earlier(const struct backup *backup, const struct backup_index_entry *entry)
{
    int place = path_open(backup->earlier.root, entry->path);
    struct statx status;

    if (place < 0)
        return -ESTALE;
    if (!statx(place, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &status) && is_as_left(entry->record, &status))
        return place;
    close(place);
    return -ESTALE;
}

static int clone_to(const struct backup *backup, int place, const char *object)
{
    int from = path_reopen(place, O_RDONLY | O_NONBLOCK), to, error = 0;

    if (from < 0)
        return from;
    to = openat(backup->objects, object, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (to < 0 || ioctl(to, FICLONE, from))
        error = -errno;
    if (to >= 0 && error)
        unlinkat(backup->objects, object, 0);
    if (to >= 0)
        close(to);
    close(from);
    return error;
}

static int link_to(const struct backup *backup, int place, const char *object)
{
    char path[32];

    snprintf(path, sizeof path, "/proc/self/fd/%d", place);
    return linkat(AT_FDCWD, path, backup->objects, object, AT_SYMLINK_FOLLOW) ? -errno : 0;
}

/* A mount takes the lock before it looks whether the folder is marked; then it signs it. */
static bool was_mounted(int backup)
{
    struct stat status;

    return store_folder_is_used(backup) ||
           (!fstatat(backup, MAPSHARE_PRIVATE_FOLDER "/lock", &status, AT_SYMLINK_NOFOLLOW) && status.st_size > 0);
}

/* From now on neither of the two is mounted; nor was the earlier one since it was made. */
static int mark_linked(struct backup *backup)
{
    const struct backup_index *earlier = &backup->earlier;
    int error;

    if (backup->links)
        return 0;
    error = linked_mark(earlier->root);
    if (error == 0 && was_mounted(earlier->root)) {
        linked_unmark(earlier->root);
        message("%s: was mounted since it was made, so it shares no files; make a whole backup", quoted(earlier->name));
        return -1;
    }
    if (error >= 0)
        error = linked_mark(backup->target);
    if (error < 0)
        message_error(earlier->name, error);
    backup->links = error >= 0;
    return error < 0 ? -1 : 0;
}

static int share(struct backup *backup, struct backup_index_entry *entry, int place)
{
    const char *object = entry->record->object;
    int error = backup->links ? -EOPNOTSUPP : clone_to(backup, place, object);

    if (error != -EOPNOTSUPP && error != -ENOTTY)
        return !error;
    if (mark_linked(backup))
        return -1;
    entry->shared = !link_to(backup, place, object);
    return entry->shared; /* too many names, or not ours: it is copied */
}

int backup_reuse(struct backup *backup, const struct statx *status, const char *object)
{
    struct backup_index_entry *entry = backup_index_find(&backup->earlier, object);
    struct backup_state state;
    int place, result;

    backup_state_of(status, &state);
    if (!entry || !backup_state_same(&state, &entry->record->source))
        return 0;
    place = open_earlier(backup, entry);
    if (place < 0)
        return 0;
    result = share(backup, entry, place);
    close(place);
    backup->reused_bytes += result == 1 ? state.size : 0;
    return result;
}

bool backup_is_shared(const struct backup *backup, const char *object)
{
    const struct backup_index_entry *entry = backup_index_find(&backup->earlier, object);

    return entry && entry->shared;
}

int backup_take_apart(struct backup *backup, const char *object)
{
    struct backup_index_entry *entry = backup_index_find(&backup->earlier, object);
    int from, to, error = 0;

    if (!entry || !entry->shared)
        return 0;
    from = openat(backup->objects, object, O_RDONLY | O_CLOEXEC);
    to = openat(backup->objects, OWN_NAME, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (from < 0 || to < 0)
        error = -errno;
    if (!error)
        error = backup_copy_content(backup, from, to);
    if (!error && renameat(backup->objects, OWN_NAME, backup->objects, object))
        error = -errno;
    if (from >= 0)
        close(from);
    if (to >= 0)
        close(to);
    entry->shared = error != 0;
    return error;
}

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

int backup_note_replayed(void *context, const char *object)
{
    struct backup *backup = context;
    char *name = strdup(object);

    if (!name || !tsearch(name, &backup->replayed, compare)) {
        free(name);
        return -ENOMEM;
    }
    return backup_take_apart(backup, object);
}

bool backup_is_replayed(const struct backup *backup, const char *object)
{
    return tfind(object, &backup->replayed, compare);
}
