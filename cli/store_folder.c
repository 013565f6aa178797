#include "config.h"

#include "store_folder.h"

#include "mapshare-abi.h"
#include "message.h"
#include "mounts.h"

#include "journal/recover.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_NAME MAPSHARE_PRIVATE_FOLDER "/lock"
#define WAIT_MICROSECONDS 10000
#define WAIT_TRIES 1000 /* ten seconds */

/* The mount hides the private folder, so a mount looks like a folder that never was a store. */
static void tell_no_store(const char *path)
{
    char *resolved = mounts_resolve(path);
    struct mount_entry entry;

    if (resolved && mounts_around(resolved, &entry) == 0) {
        message("%s: a mount, not a store; give its store: %s", quoted(path), quoted(entry.source));
        mounts_free(&entry);
    } else {
        message("%s: not a store: it has no folder " MAPSHARE_PRIVATE_FOLDER "; give a folder that was mounted with mapsharefs",
                quoted(path));
    }
    free(resolved);
}

int store_folder_open(const char *path)
{
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat status;

    if (folder < 0) {
        message_error(path, -errno);
        return -1;
    }
    if (faccessat(folder, MAPSHARE_INCOMPLETE, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
        message("%s: an incomplete backup, no store; remove it, and make it anew", quoted(path));
        close(folder);
        return -1;
    }
    if (fstatat(folder, MAPSHARE_PRIVATE_FOLDER, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode))
        return folder;
    if (errno == EACCES || errno == ENOTCONN)
        message_error(path, -errno);
    else
        tell_no_store(path);
    close(folder);
    return -1;
}

/* The lock's file begins with the number of the daemon's keeper. */
static bool holder_is_gone(int lock)
{
    char text[16] = "";
    int pid;

    return pread(lock, text, sizeof text - 1, 0) > 0 && sscanf(text, "%d", &pid) == 1 && kill(pid, 0) && errno == ESRCH;
}

/* A daemon that was killed may have writes on their way to the disk: they hold the lock until they are done. 0 or -errno. */
static int take(int lock)
{
    int error = 0;

    for (int tries = 0; tries < WAIT_TRIES; tries++) {
        error = flock(lock, LOCK_EX | LOCK_NB) ? -errno : 0;
        if (error != -EWOULDBLOCK || !holder_is_gone(lock))
            break;
        usleep(WAIT_MICROSECONDS);
    }
    return error;
}

int store_folder_lock(int folder)
{
    int lock = openat(folder, LOCK_NAME, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600), error;

    if (lock < 0)
        return -errno;
    error = take(lock);
    if (!error)
        return lock;
    close(lock);
    return error;
}

int store_folder_keeper(const char *path)
{
    char name[4096], text[16] = "";
    int lock, pid = 0;

    if (snprintf(name, sizeof name, "%s/" LOCK_NAME, path) >= (int)sizeof name)
        return 0;
    lock = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (lock >= 0 && (pread(lock, text, sizeof text - 1, 0) <= 0 || sscanf(text, "%d", &pid) != 1))
        pid = 0;
    if (lock >= 0)
        close(lock);
    return pid;
}

bool store_folder_is_used(int folder)
{
    int lock = openat(folder, LOCK_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    bool used = lock >= 0 && flock(lock, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK;

    if (lock >= 0)
        close(lock);
    return used;
}

void store_folder_tell_used(const char *path)
{
    char *resolved = realpath(path, NULL);
    struct mount_entry entry;

    if (resolved && mounts_of_store(resolved, &entry) == 0) {
        message("%s: mounted at %s; unmount it first with 'mapshare unmount %s'", quoted(path), quoted(entry.point),
                quoted(entry.point));
        mounts_free(&entry);
    } else {
        message("%s: in use by a daemon; unmount it first with 'mapshare unmount'", quoted(path));
    }
    free(resolved);
}

void store_folder_tell_error(const char *path, int folder, int error)
{
    const char *what, *doubt = error == -EPERM ? journal_doubt(folder, &what) : NULL;
    bool is_journal = error == -EBADMSG || error == -EUCLEAN || error == -EPROTONOSUPPORT || error == -ELOOP || error == -EISDIR;
    char *name;

    if (doubt) {
        message("%s/%s: %s: not used; check who made it, then repair or remove it, or give the store as the user whose it is",
                quoted(path), what, doubt);
        return;
    }
    if (!is_journal || asprintf(&name, "%s/" MAPSHARE_PRIVATE_FOLDER "/journal", path) < 0) {
        message_error(path, error);
        return;
    }
    if (error == -ELOOP || error == -EISDIR)
        message("%s: not a regular file, so not written by mapsharefs; move it away", quoted(name));
    else
        message_error(name, error);
    free(name);
}
