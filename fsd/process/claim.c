#include "config.h"

#include "process/claim.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "mapshare-abi.h"
#include "mounts.h"
#include "process/lock.h"
#include "process/mount.h"
#include "process/readonly.h"
#include "sandbox/sandbox.h"
#include "store/trust.h"
#include "store/identity.h"
#include "store/linked.h"

#define SERVED_MICROSECONDS 20000
#define SERVED_TRIES 100

static int tell(const char *given, const char *what, int error)
{
    log_line(LOG_FATAL, "%s: %s: %s", given, what, strerror(error));
    return -error;
}

/* 0, or -errno after a message. */
static int check_trust(int fd, mode_t type, const char *given, const char *name)
{
    const char *doubt = trust_doubt(fd, type);

    if (!doubt)
        return 0;
    log_line(LOG_FATAL, "%s/%s: %s: not used; check who made it, then repair or remove it", given, name, doubt);
    return -EPERM;
}

/* The store through a mount of our own, where the kernel marks access times by the rule of ours. It has
 * no way out of the store. Its descriptors do not keep the file system from being unmounted; that of the lock does. */
static void own_mount(struct daemon *daemon)
{
    struct mount_attr attributes = {.attr_clr = MOUNT_ATTR__ATIME | MOUNT_ATTR_NODIRATIME,
                                    .attr_set = mount_atime_attribute(daemon->options->tuning.atime)};
    int tree, root = -1;

    if (daemon->options->no_folder_atime)
        attributes.attr_set |= MOUNT_ATTR_NODIRATIME;
    tree = open_tree(daemon->owned[OWNED_STORE], "", AT_EMPTY_PATH | AT_RECURSIVE | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

    if (tree >= 0 && !mount_setattr(tree, "", AT_EMPTY_PATH, &attributes, sizeof attributes))
        root = openat(tree, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root >= 0) {
        close(daemon->owned[OWNED_STORE]);
        daemon->owned[OWNED_STORE] = root;
        daemon->store_marks = true;
    } else {
        sandbox_miss("a mount of the store that has no way out of it", -errno);
        if (daemon->options->tuning.atime != ATIME_RELATIVE)
            log_line(LOG_WARN, "access times of folders and symbolic links follow the store's own mount: %s", strerror(errno));
    }
    if (tree >= 0)
        close(tree);
}

static bool is_one_device(int folder, int file)
{
    struct stat a, b;

    return fstat(folder, &a) || fstat(file, &b) || a.st_dev == b.st_dev;
}

/* The same folder, by the new mount. */
static int move_private(struct daemon *daemon, const char *given)
{
    int *folder = &daemon->owned[OWNED_PRIVATE_FOLDER];
    struct stat before, after;
    int moved = openat(daemon->owned[OWNED_STORE], MAPSHARE_PRIVATE_FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (moved >= 0 &&
        (fstat(*folder, &before) || fstat(moved, &after) || before.st_dev != after.st_dev || before.st_ino != after.st_ino)) {
        close(moved);
        moved = -1;
        errno = ESTALE;
    }
    if (moved < 0)
        return tell(given, MAPSHARE_PRIVATE_FOLDER " cannot be used", errno);
    close(*folder);
    *folder = moved;
    return 0;
}

static int open_private(struct daemon *daemon, const char *given)
{
    int *folder = &daemon->owned[OWNED_PRIVATE_FOLDER], *lock = &daemon->owned[OWNED_LOCK], error;
    const char *refusal = identity_refusal(daemon->owned[OWNED_STORE]);

    if (refusal) {
        log_line(LOG_FATAL, "%s: cannot be a store: %s; use a folder on another file system", given, refusal);
        return -EOPNOTSUPP;
    }
    if (mkdirat(daemon->owned[OWNED_STORE], MAPSHARE_PRIVATE_FOLDER, 0700) && errno != EEXIST)
        return tell(given, "cannot write to the store", errno);
    *folder = openat(daemon->owned[OWNED_STORE], MAPSHARE_PRIVATE_FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (*folder < 0)
        return tell(given, MAPSHARE_PRIVATE_FOLDER " cannot be used", errno);
    error = check_trust(*folder, S_IFDIR, given, MAPSHARE_PRIVATE_FOLDER);
    if (error)
        return error;
    *lock = openat(*folder, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    if (*lock < 0)
        return tell(given, MAPSHARE_PRIVATE_FOLDER "/lock cannot be used", errno);
    if (!is_one_device(daemon->owned[OWNED_STORE], *lock)) {
        log_line(LOG_FATAL,
                 "%s: cannot be a store: its files have another device number than its folders, and their inode numbers may be "
                 "others', too; an overlayfs of several file systems can be mounted with xino=on",
                 given);
        return -EOPNOTSUPP;
    }
    return check_trust(*lock, S_IFREG, given, MAPSHARE_PRIVATE_FOLDER "/lock");
}

/* A daemon that is finishing gives the lock up soon. */
static bool is_served(int folder)
{
    int lock = openat(folder, MAPSHARE_PRIVATE_FOLDER "/lock", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    bool served = lock >= 0;

    for (int tries = 0; served && tries < SERVED_TRIES; tries++) {
        if (tries)
            usleep(SERVED_MICROSECONDS);
        served = flock(lock, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK;
    }

    if (lock >= 0)
        close(lock);
    return served;
}

/* Two daemons, each of which believes that nobody else changes its store, must not have a folder in common. The mount table tells
 * of stores inside and around, as far as this namespace sees; the locks of the folders above tell of all that are around. */
static int check_alone(int store, const char *given, const char *path)
{
    struct mount_entry other;
    struct stat below, here;
    int folder = openat(store, "..", O_PATH | O_DIRECTORY | O_CLOEXEC), above;
    bool served = false;

    if (!mounts_of_stores_near(path, &other)) {
        log_line(LOG_FATAL, "%s: this store and %s, which is mounted on %s, lie in each other; unmount that first", given,
                 other.source, other.point);
        mounts_free(&other);
        return -EBUSY;
    }
    for (fstat(store, &below); folder >= 0 && !served; folder = above) {
        bool end = fstat(folder, &here) || (here.st_dev == below.st_dev && here.st_ino == below.st_ino);

        served = !end && is_served(folder);
        above = end || served ? -1 : openat(folder, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
        below = here;
        close(folder);
    }
    if (served)
        log_line(LOG_FATAL, "%s: lies in a store that is mounted; unmount that first", given);
    return served ? -EBUSY : 0;
}

/* When the lock is there, which tells who would link to it that it is too late. */
static int check_linked(int store, const char *given)
{
    if (!linked_is_marked(store))
        return 0;
    log_line(LOG_FATAL,
             "%s: is a backup that shares files with another one, which would change with it; copy it, and mount the copy, or if "
             "the other "
             "one is gone remove " MAPSHARE_PRIVATE_FOLDER "/linked in it",
             given);
    return -EUCLEAN;
}

int claim_store(struct daemon *daemon, const char *given, const char *path)
{
    int *store = &daemon->owned[OWNED_STORE], error;

    *store = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*store < 0)
        return tell(given, "cannot open the store", errno);
    error = check_alone(*store, given, path);
    if (error)
        return error;
    if (!faccessat(*store, MAPSHARE_INCOMPLETE, F_OK, AT_SYMLINK_NOFOLLOW)) {
        log_line(LOG_FATAL, "%s: is an incomplete backup, no store; remove it, and make it anew", given);
        return -EUCLEAN;
    }
    if (readonly_applies(daemon)) {
        error = readonly_claim(daemon, given);
        own_mount(daemon);
        return error;
    }
    error = open_private(daemon, given);
    if (!error)
        error = lock_take(daemon->owned[OWNED_LOCK], given);
    if (!error)
        error = check_linked(*store, given);
    if (error)
        return error;
    own_mount(daemon);
    return move_private(daemon, given);
}
