#include "config.h"

#include "request/spot.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "request/path.h"

int spot_open(struct server *server, fuse_ino_t folder, const char *name, struct spot *spot)
{
    *spot = (struct spot){.folder = inode_of_node(&server->inodes, folder), .name = name};
    if (!spot->folder)
        return -ESTALE;
    if (path_is_reserved(name))
        return -EPERM;
    return descriptor_get(&server->descriptors, spot->folder, &spot->descriptor);
}

void spot_close(struct server *server, struct spot *spot)
{
    if (spot->descriptor)
        descriptor_put(&server->descriptors, spot->descriptor);
}

struct found spot_look(struct server *server, const struct spot *spot)
{
    struct found found = {.inode = 0};
    const int flags = AT_SYMLINK_NOFOLLOW | AT_STATX_FORCE_SYNC; /* a store on FUSE may remember another number of links */
    struct statx stat;

    if (statx(spot->descriptor->fd, spot->name, flags, STATX_INO | STATX_NLINK | STATX_TYPE | STATX_BTIME, &stat))
        return found;
    inode_identity_of(&server->inodes, &stat, &found.identity);
    found.links = S_ISDIR(stat.stx_mode) ? 1 : stat.stx_nlink;
    found.inode = inode_of_identity(&server->inodes, &found.identity);
    found.known = found.inode && inode_is_called(&server->inodes, found.inode, spot->folder, spot->name, found.links);
    return found;
}

bool spot_path(struct server *server, const struct spot *spot, char path[4096])
{
    size_t length;

    if (spot->folder == INODE_ROOT)
        path[0] = 0;
    else if (!inode_path(&server->inodes, spot->folder, path))
        return false;
    length = strlen(path);
    if (length + 1 + strlen(spot->name) >= 4096)
        return false;
    if (length)
        path[length++] = '/';
    strcpy(path + length, spot->name);
    return true;
}
