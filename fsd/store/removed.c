#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mapshare-abi.h"
#include "store/removed.h"

int removed_open(int store)
{
    int private = openat(store, MAPSHARE_PRIVATE_FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), fd = -1;
    if (private >= 0 && (mkdirat(private, REMOVED_FOLDER, 0700) == 0 || errno == EEXIST))
        fd = openat(private, REMOVED_FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int result = fd < 0 ? -errno : fd;
    if (private >= 0)
        close(private);
    return result;
}

bool removed_parse(const char *name, struct identity *identity)
{
    char again[IDENTITY_NAME_MAX];
    int64_t seconds;
    *identity = (struct identity){.type = S_IFREG};
    if (sscanf(name, "%" SCNu64 "-%" SCNd64 ".%ld", &identity->inode, &seconds, &identity->birth.tv_nsec) != 3)
        return false;
    identity->birth.tv_sec = seconds;
    identity_name(identity, again);
    return strcmp(again, name) == 0;
}

int removed_take(int removed, const struct identity *identity, int folder, const char *name)
{
    char to[IDENTITY_NAME_MAX];
    identity_name(identity, to);
    return renameat(folder, name, removed, to) < 0 ? -errno : 0;
}

int removed_link(int removed, const struct identity *identity, int folder, const char *name)
{
    char to[IDENTITY_NAME_MAX];
    identity_name(identity, to);
    return linkat(folder, name, removed, to, 0) < 0 && errno != EEXIST ? -errno : 0;
}

bool removed_has(int removed, const struct identity *identity)
{
    char name[IDENTITY_NAME_MAX];
    identity_name(identity, name);
    return removed >= 0 && faccessat(removed, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int removed_drop(int removed, const struct identity *identity)
{
    char name[IDENTITY_NAME_MAX];
    identity_name(identity, name);
    return unlinkat(removed, name, 0) < 0 ? -errno : 0;
}

int removed_reach(int removed, const struct identity *identity)
{
    char name[IDENTITY_NAME_MAX];
    identity_name(identity, name);
    int fd = removed < 0 ? -1 : openat(removed, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return removed < 0 || errno == ENOENT ? -ESTALE : -errno;
    int result = identity_check(fd, identity);
    if (result < 0)
        close(fd);
    return result < 0 ? result : fd;
}
