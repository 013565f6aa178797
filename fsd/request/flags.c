#include "config.h"

#include "request/flags.h"

#include <errno.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>

#include "request/attribute.h"
#include "request/current.h"

/* What keeps the daemon from writing what it still has of the file. They are the store's owner's to set, but may be taken away here. */
#define FORBIDDING (FS_IMMUTABLE_FL | FS_APPEND_FL)

bool flags_is(unsigned command)
{
    return command == FS_IOC_GETFLAGS || command == FS_IOC_SETFLAGS || command == FS_IOC_FSGETXATTR;
}

static int get_flags(int fd, unsigned *flags)
{
    return ioctl(fd, FS_IOC_GETFLAGS, flags) ? -errno : 0;
}

/* The kernel has checked who may change which. */
static int set_flags(int fd, unsigned flags)
{
    unsigned now;
    int error = get_flags(fd, &now);

    if (!error && flags & ~now & FORBIDDING)
        error = -EOPNOTSUPP;
    if (!error && ioctl(fd, FS_IOC_SETFLAGS, &flags))
        error = -errno;
    return error;
}

void flags_serve(fuse_req_t request, uint32_t inode, unsigned command, const void *in, size_t in_size, size_t out_size)
{
    struct server *server = server_of(request);
    struct descriptor *descriptor;
    struct fsxattr more = {0};
    unsigned flags = 0;
    int error = descriptor_get(&server->descriptors, inode, &descriptor);

    if (error) {
        request_reply(request, error);
        return;
    }
    if (command == FS_IOC_SETFLAGS) {
        if (in_size >= sizeof flags)
            memcpy(&flags, in, sizeof flags);
        error = in_size < sizeof flags ? -EINVAL : set_flags(descriptor->fd, flags);
        if (!error)
            attribute_changed(server, inode);
    } else if (command == FS_IOC_GETFLAGS) {
        error = out_size < sizeof flags ? -EINVAL : get_flags(descriptor->fd, &flags);
    } else if (out_size < sizeof more || ioctl(descriptor->fd, FS_IOC_FSGETXATTR, &more)) {
        error = out_size < sizeof more ? -EINVAL : -errno;
    }
    descriptor_put(&server->descriptors, descriptor);
    if (error)
        request_reply(request, error == -EBADF ? -ENOTTY : error); /* what cannot be opened has no flags */
    else if (command == FS_IOC_SETFLAGS)
        fuse_reply_ioctl(request, 0, NULL, 0);
    else
        fuse_reply_ioctl(request, 0, command == FS_IOC_GETFLAGS ? (void *)&flags : (void *)&more,
                         command == FS_IOC_GETFLAGS ? sizeof flags : sizeof more);
}
