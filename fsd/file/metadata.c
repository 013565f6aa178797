#include "config.h"

#include "file/metadata.h"

#include <errno.h>
#include <unistd.h>

/* A file whose name or owner changed must be found after a crash: its metadata is flushed before its first commit. */
int metadata_flush_open(struct files *files, uint32_t inode, int fd)
{
    _Atomic uint32_t *flags = &files->arena->inodes[inode].flags;

    atomic_fetch_or(flags, INODE_SYNCING); /* a worker that dies now leaves one of the two */
    atomic_fetch_and(flags, ~INODE_UNSYNCED);
    if (fsync(fd))
        return -errno;
    atomic_fetch_and(flags, ~INODE_SYNCING);
    return 0;
}

bool metadata_is_unsynced(const struct files *files, uint32_t inode)
{
    return files->arena->inodes[inode].flags & (INODE_UNSYNCED | INODE_SYNCING);
}

bool metadata_of_store_is_unsynced(const struct files *files)
{
    return files->arena->header->unsynced != files->arena->header->synced;
}

/* All inodes of the round that are unsynced, or were SYNCING when something failed. Returns how many. */
static uint32_t mark_unsynced(struct files *files, const struct waiter_list *waiters, uint32_t set, uint32_t clear)
{
    const struct commit_waiter *waiter;
    uint32_t count = 0;

    TAILQ_FOREACH (waiter, waiters, link) {
        for (uint32_t i = 0; i < waiter->count; i++) {
            uint32_t inode = files->arena->files[waiter->files[i]].inode;

            if (!metadata_is_unsynced(files, inode))
                continue;
            count++;
            atomic_fetch_or(&files->arena->inodes[inode].flags, set);
            atomic_fetch_and(&files->arena->inodes[inode].flags, ~clear);
        }
    }
    return count;
}

/* Once for all: with many new files, or where an inode's record has ended that would have told, the store is flushed as a whole. */
int metadata_flush_together(struct files *files, const struct waiter_list *waiters)
{
    struct arena_header *header = files->arena->header;
    uint64_t unsynced = header->unsynced;

    if (!metadata_of_store_is_unsynced(files) && mark_unsynced(files, waiters, 0, 0) <= SYNC_EACH)
        return 0;
    mark_unsynced(files, waiters, INODE_SYNCING, INODE_UNSYNCED);
    if (syncfs(files->inodes->store))
        return -errno;
    mark_unsynced(files, waiters, 0, INODE_SYNCING);
    header->synced = unsynced;
    return 0;
}

int metadata_flush(struct files *files, uint32_t inode)
{
    struct descriptor *descriptor;
    int error = descriptor_get(files->descriptors, inode, &descriptor);

    if (error)
        return error;
    error = metadata_flush_open(files, inode, descriptor->fd);
    descriptor_put(files->descriptors, descriptor);
    return error;
}
