#include "config.h"

#include "file/sweep.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "store/removed.h"

#define SWEEP_MAX 4096u

/* Who is to go is listed first; the names go when the tail has come to where the head was then. */
struct sweep {
    _Atomic bool due; /* there may be something that is not listed */
    uint32_t count;
    uint64_t after;
    struct identity listed[SWEEP_MAX];
    long error_logged;
};

int sweep_open(struct files *files)
{
    files->sweep = calloc(1, sizeof *files->sweep);
    if (!files->sweep)
        return -ENOMEM;
    files->sweep->due = true;
    return 0;
}

void sweep_later(struct files *files)
{
    files->sweep->due = true;
}

static bool is_needed(struct files *files, const struct identity *identity)
{
    uint32_t inode = inode_of_node(files->inodes, identity->inode);
    struct identity known;

    if (!inode)
        return false;
    inode_identity(files->inodes, inode, &known);
    return files->arena->inodes[inode].flags & INODE_UNLINKED && known.birth.tv_sec == identity->birth.tv_sec &&
           known.birth.tv_nsec == identity->birth.tv_nsec;
}

/* A descriptor of its own for each listing: the position is shared otherwise. */
static DIR *open_folder(const struct files *files)
{
    int fd = files->inodes->removed < 0 ? -1 : openat(files->inodes->removed, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);

    if (!folder && fd >= 0)
        close(fd);
    return folder;
}

static void list(struct files *files, bool all)
{
    struct sweep *now = files->sweep;
    const struct dirent *entry;
    DIR *folder;
    bool left = false;

    now->due = false;
    now->after = tail_head(&files->tail); /* before the folder is read: whatever is in it was put there earlier */
    folder = open_folder(files);
    while (folder && (entry = readdir(folder))) {
        struct identity *identity = &now->listed[now->count];

        if (!removed_parse(entry->d_name, identity))
            continue;
        if (now->count == SWEEP_MAX - 1 || (!all && is_needed(files, identity)))
            left = true;
        else
            now->count++;
    }
    if (folder)
        closedir(folder);
    now->due |= left || !folder;
}

/* Whether there was anything that could be dropped. */
static bool drop_listed(struct files *files)
{
    struct sweep *now = files->sweep;
    bool dropped = false;

    while (now->count) {
        int error = removed_drop(files->inodes->removed, &now->listed[--now->count]);

        if (error && error != -ENOENT)
            log_limited(&now->error_logged, "a removed file cannot be deleted from the store's private folder: %s",
                        strerror(-error));
        dropped |= !error;
    }
    return dropped;
}

void sweep(struct files *files)
{
    struct sweep *now = files->sweep;

    if (files->inodes->removed < 0)
        return;
    if (!now->count && now->due)
        list(files, false);
    if (now->count && files->tail.released >= now->after && journal_is_fenced(files->journal))
        drop_listed(files);
}

void sweep_all(struct files *files)
{
    drop_listed(files);
    do
        list(files, true);
    while (drop_listed(files) && files->sweep->due);
}
