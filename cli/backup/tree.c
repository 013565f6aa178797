/* The tree that the list tells of, made of the copied files. */
#include "config.h"

#include "attributes.h"
#include "backup/list.h"
#include "backup/reuse.h"
#include "backup/tree.h"
#include "message.h"

#include "journal/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The folders that are open, from the target down. */
struct tree {
    struct backup *backup;
    int *folders;
    size_t depth, capacity;
};

static int tell(const struct backup *backup, const struct backup_entry *entry, int error)
{
    message("%s: %s cannot be made: %s%s", quoted(backup->destination), *entry->name ? quoted(entry->name) : "the folder",
            strerror(-error), error == -EPERM ? "; root may" : "");
    return -1;
}

/* The owner first: changing it takes rights away. A file's times are those of its last commit already. */
static int complete(int place, const struct backup_entry *entry)
{
    const struct backup_record *record = &entry->record;
    struct stat status;
    char path[32];
    int error;

    snprintf(path, sizeof path, "/proc/self/fd/%d", place);
    if (fstat(place, &status) || ((status.st_uid != record->uid || status.st_gid != record->gid) &&
                                  fchownat(place, "", record->uid, record->gid, AT_EMPTY_PATH)))
        return -errno;
    error = attributes_set(path, entry->attributes, record->attributes_length);
    if (!error && !S_ISLNK(record->mode))
        error = path_chmod(place, record->mode & 07777);
    if (!error && !S_ISREG(record->mode) && utimensat(AT_FDCWD, path, record->times, 0))
        error = -errno;
    return error;
}

static int push(struct tree *tree, int fd)
{
    if (tree->depth == tree->capacity) {
        size_t capacity = tree->capacity ? tree->capacity * 2 : 16;
        int *folders = realloc(tree->folders, capacity * sizeof *folders);

        if (!folders) {
            close(fd);
            return -ENOMEM;
        }
        tree->folders = folders;
        tree->capacity = capacity;
    }
    tree->folders[tree->depth++] = fd;
    return 0;
}

/* The first folder of all is the target. */
static int enter(struct tree *tree, const struct backup_entry *entry)
{
    int fd;

    if (!tree->depth)
        fd = openat(tree->backup->target, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    else if (mkdirat(tree->folders[tree->depth - 1], entry->name, 0700))
        return -errno;
    else
        fd = openat(tree->folders[tree->depth - 1], entry->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -errno : push(tree, fd);
}

static int leave(struct tree *tree, const struct backup_entry *entry)
{
    int fd = tree->folders[--tree->depth], error = complete(fd, entry);

    close(fd);
    return error;
}

static int make_item(const struct backup *backup, int folder, const struct backup_entry *entry)
{
    const struct backup_record *record = &entry->record;

    if (S_ISREG(record->mode))
        return record->links == 1 ? renameat(backup->objects, record->object, folder, entry->name)
                                  : linkat(backup->objects, record->object, folder, entry->name, 0);
    if (S_ISLNK(record->mode))
        return symlinkat(entry->target, folder, entry->name);
    return mknodat(folder, entry->name, record->mode, record->device);
}

static int item(struct tree *tree, const struct backup_entry *entry)
{
    int folder = tree->folders[tree->depth - 1], place, error;

    if (make_item(tree->backup, folder, entry))
        return -errno;
    if (backup_is_shared(tree->backup, entry->record.object))
        return 0;
    place = openat(folder, entry->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (place < 0)
        return -errno;
    error = complete(place, entry);
    close(place);
    return error;
}

static int make(struct tree *tree, const struct backup_entry *entry)
{
    if (entry->record.kind == BACKUP_ENTER)
        return enter(tree, entry);
    return entry->record.kind == BACKUP_LEAVE ? leave(tree, entry) : item(tree, entry);
}

int backup_make_tree(struct backup *backup)
{
    struct tree tree = {.backup = backup};
    struct backup_entry entry = {0};
    int more, error = 0;

    rewind(backup->list);
    while (!error && (more = backup_list_read(backup->list, &entry)) == 1) {
        error = make(&tree, &entry);
        if (error)
            tell(backup, &entry, error);
    }
    if (!error && more < 0) {
        message_error(backup->destination, more);
        error = more;
    }
    while (tree.depth)
        close(tree.folders[--tree.depth]);
    free(tree.folders);
    backup_entry_free(&entry);
    return error ? -1 : 0;
}

/* What was shared with the earlier backup and has changed since, if only its mode, becomes a file of its own. */
static int set_times(struct backup *backup, const struct backup_record *record)
{
    const struct backup_index_entry *entry = backup_index_find(&backup->earlier, record->object);
    int error;

    if (entry && entry->shared && backup_state_same(&entry->record->source, &record->state))
        return 0;
    error = backup_take_apart(backup, record->object);
    return !error && utimensat(backup->objects, record->object, record->times, 0) ? -errno : error;
}

int backup_set_times(struct backup *backup)
{
    struct backup_entry entry = {0};
    int more, error = 0;

    rewind(backup->list);
    while (!error && (more = backup_list_read(backup->list, &entry)) == 1) {
        if (!S_ISREG(entry.record.mode))
            continue;
        error = set_times(backup, &entry.record);
        if (error)
            error = tell(backup, &entry, error);
    }
    if (!error && more < 0) {
        message_error(backup->destination, more);
        error = -1;
    }
    backup_entry_free(&entry);
    return error;
}
