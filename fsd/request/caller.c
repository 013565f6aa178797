#include "config.h"

#include "request/caller.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "request/server.h"

#define GROUPS_MAX_KEPT 64 /* of a caller's */

/* The system calls themselves: the library's wrappers would change all threads. Capabilities stay, since the kernel has checked the
 * caller's permissions; only new files' owner and group shall be the caller's. */
static void set_identity(struct server *server, uid_t uid, gid_t gid)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];

    if (!server->privileged || syscall(SYS_capget, &header, data))
        return;
    setfsgid(gid);
    setfsuid(uid);
    syscall(SYS_capset, &header, data);
}

void caller_act_as(struct server *server, fuse_req_t request)
{
    const struct fuse_ctx *caller = fuse_req_ctx(request);

    umask(caller->umask);
    if (caller->uid || caller->gid)
        set_identity(server, caller->uid, caller->gid);
}

void caller_act_as_self(struct server *server, fuse_req_t request)
{
    const struct fuse_ctx *caller = fuse_req_ctx(request);

    umask(0);
    if (caller->uid || caller->gid)
        set_identity(server, geteuid(), getegid());
}

bool caller_is_in_group(fuse_req_t request, gid_t group)
{
    gid_t groups[GROUPS_MAX_KEPT];
    int count = fuse_req_getgroups(request, GROUPS_MAX_KEPT, groups);

    if (fuse_req_ctx(request)->gid == group)
        return true;
    for (int i = 0; i < count && i < GROUPS_MAX_KEPT; i++) {
        if (groups[i] == group)
            return true;
    }
    return false;
}

/* The file system's ids alone: the capabilities that pass over permissions go with those of root, and come back with them. */
bool caller_may(struct server *server, fuse_req_t request, int fd, int how)
{
    const struct fuse_ctx *caller = fuse_req_ctx(request);
    gid_t groups[GROUPS_MAX_KEPT], own[GROUPS_MAX_KEPT];
    int count = fuse_req_getgroups(request, GROUPS_MAX_KEPT, groups), own_count = getgroups(GROUPS_MAX_KEPT, own);
    bool switches = server->privileged && caller->uid, may;

    if (switches && (own_count < 0 || syscall(SYS_setgroups,
                                              count < 0                 ? 0
                                              : count < GROUPS_MAX_KEPT ? count
                                                                        : GROUPS_MAX_KEPT,
                                              groups)))
        return false;
    if (switches) {
        setfsgid(caller->gid);
        setfsuid(caller->uid);
    }
    may = syscall(SYS_faccessat2, fd, "", how, AT_EACCESS | AT_EMPTY_PATH) == 0;
    if (switches) {
        setfsuid(geteuid());
        setfsgid(getegid());
        syscall(SYS_setgroups, own_count, own);
    }
    return may;
}
