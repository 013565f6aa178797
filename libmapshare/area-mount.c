/* The areas of a file on a mount. The daemon tells a name, which every folder of the mount has, though none lists it: an ioctl cannot hand
 * out a descriptor. So one folder of the mount must be in reach: the file's own, or where a mount begins. */
#include "config.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "area.h"

#define ATTEMPTS 3

/* 0 or -errno. */
static int ask_name(const struct mapshare *ms, uint32_t kind, char name[64])
{
    struct mapshare_abi_area area = {.kind = kind};

    if (ioctl(ms->fd, MAPSHARE_IOC_AREA, &area))
        return -errno;
    if (!memchr(area.name, '\0', sizeof(area.name)) || strchr(area.name, '/') ||
        strncmp(area.name, MAPSHARE_AREA_PREFIX, strlen(MAPSHARE_AREA_PREFIX)) != 0)
        return -EPROTO;
    strcpy(name, area.name);
    return 0;
}

bool mapshare_mount_tell(struct mapshare *ms)
{
    return ask_name(ms, MAPSHARE_ABI_BOARD, ms->board_name) != -ENOTTY;
}

int mapshare_mount_key(struct mapshare *ms, uint32_t kind, char key[MAPSHARE_AREA_KEY])
{
    if (kind == MAPSHARE_ABI_BOARD && ms->board_name[0]) {
        strcpy(key, ms->board_name);
        return 0;
    }
    return ask_name(ms, kind, key);
}

static dev_t device_of(const struct mapshare *ms)
{
    return makedev(ms->identity.stx_dev_major, ms->identity.stx_dev_minor);
}

static int check(const struct mapshare *ms, size_t size, int fd)
{
    struct stat status;

    if (fstat(fd, &status))
        return -errno;
    return S_ISREG(status.st_mode) && status.st_dev == device_of(ms) && (size_t)status.st_size == size ? 0 : -EPROTO;
}

static int open_in(const struct mapshare *ms, size_t size, const char *path, const char *name, bool *writable)
{
    const int flags = O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    int folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC), error, fd;
    struct stat status;

    if (folder < 0)
        return -errno;
    if (fstat(folder, &status) || status.st_dev != device_of(ms)) {
        close(folder);
        return -ENOENT;
    }
    fd = writable ? openat(folder, name, O_RDWR | flags) : -1;
    if (writable)
        *writable = fd >= 0;
    if (fd < 0 && (!writable || errno == EACCES || errno == EROFS))
        fd = openat(folder, name, O_RDONLY | flags);
    error = fd < 0 ? -errno : check(ms, size, fd);
    close(folder);
    if (error && fd >= 0)
        close(fd);
    return error ? error : fd;
}

/* Where the file itself is. */
static int open_beside(const struct mapshare *ms, size_t size, const char *name, bool *writable)
{
    char link[32], path[PATH_MAX];
    ssize_t length;
    char *end;

    snprintf(link, sizeof(link), "/proc/self/fd/%d", ms->fd);
    length = readlink(link, path, sizeof(path) - 1);
    if (length < 0)
        return -errno;
    path[length] = '\0';
    end = strrchr(path, '/');
    if (path[0] != '/' || !end)
        return -ENOENT;
    end[end == path] = '\0';
    return open_in(ms, size, path, name, writable);
}

/* Blanks and the like are written as \ooo. */
static void unescape(char *text)
{
    char *to = text;

    for (char *from = text; *from; to++) {
        unsigned int value;

        if (*from == '\\' && sscanf(from + 1, "%3o", &value) == 1) {
            *to = (char)value;
            from += 4;
        } else {
            *to = *from++;
        }
    }
    *to = '\0';
}

static int open_at_mounts(const struct mapshare *ms, size_t size, const char *name, bool *writable)
{
    FILE *table = fopen("/proc/self/mountinfo", "re");
    int fd = -ENOENT;
    char *line = NULL;
    size_t room = 0;

    while (table && fd < 0 && getline(&line, &room, table) > 0) {
        unsigned int major, minor;
        char *point = NULL;

        if (sscanf(line, "%*u %*u %u:%u %*s %ms", &major, &minor, &point) == 3 && major == ms->identity.stx_dev_major &&
            minor == ms->identity.stx_dev_minor) {
            unescape(point);
            fd = open_in(ms, size, point, name, writable);
        }
        free(point);
    }
    free(line);
    if (table)
        fclose(table);
    return fd;
}

int mapshare_mount_open_name(const struct mapshare *ms, size_t size, const char *name, bool *writable)
{
    int fd = open_beside(ms, size, name, writable);

    if (fd < 0)
        fd = open_at_mounts(ms, size, name, writable);
    return fd == -ENOENT || fd == -ENOTDIR ? -ENOTSUP : fd;
}

/* The daemon remembers only a few users who may open the locks: to ask is to be remembered. */
int mapshare_mount_open(struct mapshare *ms, uint32_t kind, const char *key, bool *writable)
{
    size_t size = mapshare_area_size(kind);
    char name[MAPSHARE_AREA_KEY];
    int fd = mapshare_mount_open_name(ms, size, key, writable);

    for (int attempt = 0; fd == -EACCES && attempt < ATTEMPTS && ask_name(ms, kind, name) == 0; attempt++)
        fd = mapshare_mount_open_name(ms, size, name, writable);
    return fd;
}
