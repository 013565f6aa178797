#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "store/identity.h"
#include "store/mode.h"

/* The note: a symbolic link called mode-WHO, to MODE:PATH. */
#define PREFIX "mode-"
#define OWNER_MAY_ALL (S_IRUSR | S_IWUSR)

static int set_mode(int fd, mode_t mode)
{
    char path[32];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return chmod(path, mode) < 0 ? -errno : 0;
}

static int open_again(int fd, int flags)
{
    char path[32];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    int again = open(path, flags | O_CLOEXEC);
    return again < 0 ? -errno : again;
}

int mode_open(int folder, const char *path, int fd, int flags)
{
    char note[sizeof(PREFIX) + IDENTITY_NAME_MAX] = PREFIX, target[PATH_MAX];
    struct identity identity;
    struct stat status;
    if (fstat(fd, &status) < 0)
        return -errno;
    mode_t mode = status.st_mode & 07777;
    if (status.st_uid != geteuid() || (mode & OWNER_MAY_ALL) == OWNER_MAY_ALL)
        return -EACCES;
    int result = identity_take(fd, "", false, &identity);
    if (result < 0)
        return result;
    identity_name(&identity, note + strlen(note));
    if (snprintf(target, sizeof(target), "%o:%s", mode, path) >= (int)sizeof(target))
        return -ENAMETOOLONG;
    if (symlinkat(target, folder, note) < 0)
        return -errno;
    int opened = set_mode(fd, mode | OWNER_MAY_ALL);
    if (opened == 0)
        opened = open_again(fd, flags);
    result = set_mode(fd, mode);
    if (result == 0)
        unlinkat(folder, note, 0);
    else
        log_line(LOG_WARN, "%s: its mode stays %o instead of %o: %s; the next mount sets it right", path, mode | OWNER_MAY_ALL,
                 mode, strerror(-result));
    return opened;
}

/* Below the store's root, one name at a time, and never through a link. */
static int reach(int store, const char *path)
{
    int fd = openat(store, ".", O_PATH | O_CLOEXEC);
    while (fd >= 0 && *path != 0) {
        char name[NAME_MAX + 1];
        size_t length = strcspn(path, "/");
        if (length == 0 || length > NAME_MAX || (length <= 2 && strspn(path, ".") >= length)) {
            close(fd);
            return -EINVAL;
        }
        memcpy(name, path, length);
        name[length] = 0;
        path += length + (path[length] == '/');
        int next = openat(fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        int error = errno;
        close(fd);
        errno = error;
        fd = next;
    }
    return fd < 0 ? -errno : fd;
}

/* Whether it is the file that the note is of: in a copy, one that looks as that file did. */
static bool is_meant(int fd, const char *who, mode_t mode, bool copy)
{
    char found[IDENTITY_NAME_MAX];
    struct identity identity;
    struct stat status;
    if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) || identity_take(fd, "", false, &identity) < 0)
        return false;
    identity_name(&identity, found);
    return copy ? (status.st_mode & 07777) == (mode | OWNER_MAY_ALL) : strcmp(found, who) == 0;
}

static void restore(int store, const char *name, const char *target, bool copy)
{
    const char *path = strchr(target, ':');
    mode_t mode = (mode_t)strtoul(target, NULL, 8) & 07777;
    int fd = path == NULL ? -EINVAL : reach(store, path + 1);
    if (fd < 0)
        return;
    if (is_meant(fd, name + strlen(PREFIX), mode, copy) && set_mode(fd, mode) == 0)
        log_line(LOG_NOTE, "%s: mode %o, which a dead process had changed for a moment", path + 1, mode);
    close(fd);
}

void mode_restore(int store, int folder, bool copy)
{
    int listing = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = listing < 0 ? NULL : fdopendir(listing);
    const struct dirent *entry;
    while (entries != NULL && (entry = readdir(entries)) != NULL) {
        char target[PATH_MAX];
        ssize_t length = strncmp(entry->d_name, PREFIX, strlen(PREFIX)) != 0
                             ? -1
                             : readlinkat(folder, entry->d_name, target, sizeof(target) - 1);
        if (length < 0)
            continue;
        target[length] = 0;
        restore(store, entry->d_name, target, copy);
        unlinkat(folder, entry->d_name, 0);
    }
    if (entries != NULL)
        closedir(entries);
}
