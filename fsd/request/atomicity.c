#include "config.h"

#include "request/atomicity.h"

#include <errno.h>
#include <stdio.h>
#include <sys/xattr.h>

#include "mapshare-abi.h"
#include "request/attribute.h"
#include "request/current.h"

bool atomicity_stored(int fd)
{
    char value = '0';

    return fgetxattr(fd, MAPSHARE_XATTR_ATOMIC, &value, 1) == 1 && value == '1';
}

void atomicity_inherit(const struct descriptor *folder, const char *name)
{
    char path[32 + 4096];
    int length;

    if (!atomicity_stored(folder->fd))
        return;
    length = snprintf(path, sizeof path, "/proc/self/fd/%d/%s", folder->fd, name);
    if (length < (int)sizeof path)
        lsetxattr(path, MAPSHARE_XATTR_ATOMIC, "1", 1, 0);
}

void atomicity_get(fuse_req_t request, uint32_t inode, size_t size)
{
    struct server *server = server_of(request);
    uint32_t file = server->arena.inodes[inode].file;
    struct descriptor *descriptor;
    bool atomic = server->options->atomic;
    int error;

    if (file) {
        atomic = server->arena.files[file].flags & FILE_ATOMIC;
    } else if (!atomic) {
        error = descriptor_get(&server->descriptors, inode, &descriptor);
        if (error) {
            request_reply(request, error);
            return;
        }
        atomic = atomicity_stored(descriptor->fd);
        descriptor_put(&server->descriptors, descriptor);
    }
    request_reply_value(request, atomic ? "1" : "0", 1, size);
}

int atomicity_set(fuse_req_t request, uint32_t inode, const char *value, size_t size)
{
    struct server *server = server_of(request);
    struct descriptor *descriptor;
    struct stat stat;
    uid_t caller = fuse_req_ctx(request)->uid;
    uint32_t file;
    int error;

    if (size != 1 || (*value != '0' && *value != '1'))
        return -EINVAL;
    error = attribute_get(server, inode, &stat, NULL);
    if (error)
        return error;
    if (!S_ISREG(stat.st_mode) && !S_ISDIR(stat.st_mode))
        return -EPERM;
    if (caller && caller != stat.st_uid)
        return -EPERM;
    error = descriptor_get(&server->descriptors, inode, &descriptor);
    if (error)
        return error;
    if (fsetxattr(descriptor->fd, MAPSHARE_XATTR_ATOMIC, value, 1, 0))
        error = -errno;
    else
        attribute_changed(server, inode);
    descriptor_put(&server->descriptors, descriptor);
    if (error || S_ISDIR(stat.st_mode))
        return error;
    file = file_of(&server->files, inode, true, &error);
    if (file)
        file_set_atomic(&server->files, file, *value == '1');
    return error;
}
