/* Opening an inode anew, and only that one (invariant 14): by handle where handles mean something, else by its path. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "cache/place.h"
#include "store/mode.h"
#include "store/removed.h"

/* The folders from the root's to the inode's own place, the inode first. Returns how many, or 0 where the way is not known. */
static int find_way(struct inode_table *table, uint32_t slot, uint32_t way[PLACE_DEPTH_MAX])
{
    char name[4096];
    int count = 0;

    while (slot && slot != INODE_ROOT && count < PLACE_DEPTH_MAX) {
        way[count++] = slot;
        slot = place_take(table, slot, name, sizeof name);
    }
    return slot == INODE_ROOT ? count : 0;
}

/* One step on the way: what the record is called in the folder that was reached, if it is the one that is meant. It is not opened but looked at:
 * a device or a FIFO in its place would notice. */
static int step(struct inode_table *table, int folder, uint32_t slot)
{
    struct identity identity;
    char name[4096];
    int fd, error;

    if (!place_take(table, slot, name, sizeof name))
        return -ESTALE;
    fd = openat(folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? -ESTALE : -errno;
    inode_identity(table, slot, &identity);
    error = identity_check(fd, &identity);
    if (error)
        close(fd);
    return error ? error : fd;
}

/* With O_PATH. */
static int reach(struct inode_table *table, uint32_t slot)
{
    uint32_t way[PLACE_DEPTH_MAX];
    int left, fd = table->store;

    pthread_rwlock_rdlock(&table->moving);
    left = find_way(table, slot, way);
    if (!left)
        fd = -ESTALE;
    while (fd >= 0 && left--) {
        int next = step(table, fd, way[left]);

        if (fd != table->store)
            close(fd);
        fd = next;
    }
    pthread_rwlock_unlock(&table->moving);
    return fd;
}

/* What an O_PATH descriptor is of. */
static int open_behind(int fd, int flags)
{
    char path[32];
    int opened;

    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    opened = open(path, flags);
    return opened < 0 ? -errno : opened;
}

/* On overlayfs a file of a lower layer with several names becomes another when it is opened for writing. */
static int check_opened(int fd, const struct identity *identity)
{
    int error = identity_check(fd, identity);

    if (error)
        close(fd);
    return error ? error : fd;
}

static int open_by_name(struct inode_table *table, uint32_t slot, const struct identity *identity, int flags)
{
    bool removed = table->arena->inodes[slot].flags & INODE_REMOVED;
    int fd = removed ? removed_reach(table->removed, identity) : reach(table, slot), opened;

    if (fd < 0 || flags & O_PATH)
        return fd;
    opened = open_behind(fd, flags);
    close(fd);
    return opened < 0 ? opened : check_opened(opened, identity);
}

static int open_with(struct inode_table *table, uint32_t slot, int flags)
{
    struct identity identity;

    if (slot == INODE_ROOT) {
        int fd = openat(table->store, ".", flags);

        return fd < 0 ? -errno : fd;
    }
    inode_identity(table, slot, &identity);
    return identity.handle_length ? identity_open(table->store, &identity, flags) : open_by_name(table, slot, &identity, flags);
}

/* O_NOATIME is for owners only; reading the store must not cost anyone a time stamp where it can be helped. */
static int open_quietly(struct inode_table *table, uint32_t slot, int flags)
{
    int fd = open_with(table, slot, flags | O_NOATIME | O_CLOEXEC);

    return fd == -EPERM ? open_with(table, slot, flags | O_CLOEXEC) : fd;
}

void inode_modes_hold(struct inode_table *table)
{
    pthread_rwlock_rdlock(&table->modes);
}

void inode_modes_release(struct inode_table *table)
{
    pthread_rwlock_unlock(&table->modes);
}

/* An ordinary user's file whose mode forbids us what a client may have been allowed before it was set. */
static int open_against_mode(struct inode_table *table, uint32_t slot)
{
    char path[4096];
    int fd, opened;

    if (table->private < 0 || !inode_path(table, slot, path))
        return -EACCES;
    fd = open_with(table, slot, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return fd;
    pthread_rwlock_wrlock(&table->modes);
    opened = mode_open(table->private, path, fd, O_RDWR | O_NONBLOCK);
    pthread_rwlock_unlock(&table->modes);
    close(fd);
    return opened;
}

int inode_open_writable(struct inode_table *table, uint32_t slot)
{
    int fd = open_quietly(table, slot, O_RDWR | O_NONBLOCK);

    return fd == -EACCES ? open_against_mode(table, slot) : fd;
}

int inode_open(struct inode_table *table, uint32_t slot)
{
    const struct inode *inode = &table->arena->inodes[slot];
    int fd;

    switch (inode->type) {
    case S_IFREG:
        fd = open_quietly(table, slot, O_RDWR | O_NONBLOCK);
        if (fd == -EACCES || fd == -EROFS || fd == -EPERM || fd == -ETXTBSY)
            fd = open_quietly(table, slot, O_RDONLY | O_NONBLOCK);
        if (fd == -EACCES)
            fd = open_against_mode(table, slot);
        break;
    case S_IFDIR:
        fd = open_quietly(table, slot, O_RDONLY | O_DIRECTORY);
        break;
    default:
        fd = -EACCES;
    }
    return fd == -EACCES ? open_with(table, slot, O_PATH | O_CLOEXEC) : fd;
}
