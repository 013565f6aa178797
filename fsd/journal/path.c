#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/path.h"
#include "journal/superblock.h"

#define LINK_MAX_BYTES 32

static bool same_device(int store, int fd)
{
    struct stat root, status;
    return fstat(store, &root) == 0 && fstat(fd, &status) == 0 && root.st_dev == status.st_dev;
}

/* The next name of a path, "" at its end; NULL where it cannot be one. */
static const char *next_name(const char *path, char name[NAME_MAX + 1])
{
    size_t length = strcspn(path, "/");
    if (length > NAME_MAX || (length == 0 && *path == '/'))
        return NULL;
    memcpy(name, path, length);
    name[length] = 0;
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return NULL;
    path += length;
    return *path == '/' && path[1] != 0 ? path + 1 : *path == 0 ? path : NULL;
}

int path_open(int store, const char *path)
{
    char name[NAME_MAX + 1];
    const char *first = path;
    int fd = openat(store, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    while (*path != 0) {
        bool top = path == first;
        path = next_name(path, name);
        int next = -1;
        errno = ENOENT;
        if (path != NULL && !(top && strcmp(name, JOURNAL_FOLDER) == 0))
            next = openat(fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        int error = errno;
        close(fd);
        if (next < 0)
            return -error;
        if (!same_device(store, next)) {
            close(next);
            return -EXDEV;
        }
        fd = next;
    }
    return fd;
}

static void name_link(int fd, char link[LINK_MAX_BYTES])
{
    snprintf(link, LINK_MAX_BYTES, "/proc/self/fd/%d", fd);
}

static bool link_of(int fd, char *path)
{
    char link[LINK_MAX_BYTES];
    name_link(fd, link);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    path[length < 0 ? 0 : length] = 0;
    return length > 0;
}

bool path_of(int store, int fd, char *path)
{
    char root[PATH_MAX];
    if (!link_of(store, root) || !link_of(fd, path))
        return false;
    size_t length = strcmp(root, "/") == 0 ? 0 : strlen(root);
    if (strncmp(path, root, length) != 0 || path[length] != '/')
        return false;
    memmove(path, path + length + 1, strlen(path + length + 1) + 1);
    return true;
}

int path_reopen(int fd, int flags)
{
    char link[LINK_MAX_BYTES];
    name_link(fd, link);
    int result = open(link, flags | O_CLOEXEC);
    return result < 0 ? -errno : result;
}

int path_reopen_folder(int fd)
{
    int result = path_reopen(fd, O_RDONLY | O_DIRECTORY | O_NOATIME);
    return result == -EPERM ? path_reopen(fd, O_RDONLY | O_DIRECTORY) : result; /* O_NOATIME is for owners only */
}

int path_chmod(int fd, mode_t mode)
{
    char link[LINK_MAX_BYTES];
    name_link(fd, link);
    return chmod(link, mode) < 0 ? -errno : 0;
}
