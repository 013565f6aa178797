#include "config.h"

#include "request/caller.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "request/server.h"
#include "sandbox/capabilities.h"

#define STATUS_BYTES 4096 /* at first; with many groups it is more */

/* What the kernel tells of the caller's thread. */
struct rights {
    uint64_t capabilities;
    int count;
    gid_t *groups;
};

/* The whole file, to be freed; NULL where there is none. */
static char *read_status(pid_t thread)
{
    size_t used = 0, max = STATUS_BYTES;
    char path[64], *text = NULL, *more;
    ssize_t n = 1;
    int fd;

    snprintf(path, sizeof path, "/proc/%d/status", thread);
    fd = thread > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    for (; fd >= 0 && n > 0; max *= 2) {
        more = realloc(text, max);
        if (!more)
            break;
        text = more;
        while ((n = read(fd, text + used, max - used - 1)) > 0)
            used += n;
        n = used == max - 1;
    }
    if (fd >= 0)
        close(fd);
    if (text)
        text[used] = 0;
    return text;
}

/* Whether the thread is what it was when it asked: the kernel also asks for others than the thread that runs (NFS, overlayfs). */
static bool is_caller(const struct fuse_ctx *caller, const char *status)
{
    const char *uid = strstr(status, "\nUid:"), *gid = strstr(status, "\nGid:");
    uid_t file_uid;
    gid_t file_gid;

    return uid && gid && sscanf(uid, "\nUid: %*u %*u %*u %u", &file_uid) == 1 &&
           sscanf(gid, "\nGid: %*u %*u %*u %u", &file_gid) == 1 && file_uid == caller->uid && file_gid == caller->gid;
}

/* False when the thread is gone, of processes that we do not see, or asked for somebody else. */
static bool look(fuse_req_t request, struct rights *rights)
{
    char *text = read_status(fuse_req_ctx(request)->pid), *groups = text ? strstr(text, "\nGroups:") : NULL, *end;
    const char *capabilities = text ? strstr(text, "\nCapEff:") : NULL;
    size_t length;

    *rights = (struct rights){0};
    if (groups && capabilities && is_caller(fuse_req_ctx(request), text)) {
        groups += strlen("\nGroups:");
        length = strcspn(groups, "\n");
        groups[length] = 0;
        rights->capabilities = strtoull(capabilities + strlen("\nCapEff:"), NULL, 16);
        rights->groups = malloc((length / 2 + 1) * sizeof *rights->groups); /* a digit and a blank, at least */
        for (unsigned long group = strtoul(groups, &end, 10); rights->groups && end != groups; group = strtoul(groups, &end, 10)) {
            rights->groups[rights->count++] = (gid_t)group;
            groups = end;
        }
    }
    free(text);
    return rights->groups;
}

/* The system calls themselves: the library's wrappers would change all threads. */
static void become(uid_t uid, gid_t gid, const struct rights *rights)
{
    syscall(SYS_setgroups, rights->count, rights->groups);
    setfsgid(gid);
    setfsuid(uid);
    capabilities_use(rights->capabilities);
}

/* The capabilities first: they permit the rest. */
static void become_self(void)
{
    capabilities_use(~0ull);
    setfsuid(geteuid());
    setfsgid(getegid());
    syscall(SYS_setgroups, 0, NULL);
}

static bool switches(const struct server *server, const struct fuse_ctx *caller)
{
    return server->privileged && (caller->uid || caller->gid);
}

/* Of whom nothing is known the kernel has checked once, and so root. */
void caller_act_as(struct server *server, fuse_req_t request)
{
    const struct fuse_ctx *caller = fuse_req_ctx(request);
    struct rights rights;

    if (!switches(server, caller))
        return;
    if (!look(request, &rights) || !caller->uid)
        rights.capabilities = ~0ull;
    become(caller->uid, caller->gid, &rights);
    free(rights.groups);
}

void caller_act_as_self(struct server *server, fuse_req_t request)
{
    if (switches(server, fuse_req_ctx(request)))
        become_self();
}

bool caller_is_in_group(fuse_req_t request, gid_t group)
{
    struct rights rights;
    bool found = fuse_req_ctx(request)->gid == group;

    if (found || !look(request, &rights))
        return found;
    for (int i = 0; i < rights.count && !found; i++)
        found = rights.groups[i] == group;
    free(rights.groups);
    return found;
}

/* The caller's ids are set; and back. */
static bool try_as(const struct fuse_ctx *caller, const struct rights *rights, int fd, int how)
{
    bool may;

    become(caller->uid, caller->gid, rights);
    may = syscall(SYS_faccessat2, fd, "", how, AT_EACCESS | AT_EMPTY_PATH) == 0;
    become_self();
    return may;
}

bool caller_may(struct server *server, fuse_req_t request, int fd, int how)
{
    const struct fuse_ctx *caller = fuse_req_ctx(request);
    struct rights rights;
    bool may;

    if (!switches(server, caller))
        return syscall(SYS_faccessat2, fd, "", how, AT_EACCESS | AT_EMPTY_PATH) == 0;
    if (!look(request, &rights) && !caller->uid)
        rights.capabilities = ~0ull;
    may = try_as(caller, &rights, fd, how);
    free(rights.groups);
    return may;
}

bool caller_is_checked(struct server *server, fuse_req_t request)
{
    return switches(server, fuse_req_ctx(request));
}

/* Mostly the ids alone will do, and nothing needs to be read. */
int caller_check(struct server *server, fuse_req_t request, int fd, int how)
{
    const struct fuse_ctx *caller = fuse_req_ctx(request);
    struct rights rights;
    bool may;

    if (!switches(server, caller) || try_as(caller, &(struct rights){0}, fd, how))
        return 0;
    may = !look(request, &rights) || try_as(caller, &rights, fd, how);
    free(rights.groups);
    return may ? 0 : -EACCES;
}

int caller_check_owner(struct server *server, fuse_req_t request, int fd)
{
    const struct fuse_ctx *caller = fuse_req_ctx(request);
    struct rights rights;
    struct stat status;
    bool may;

    if (!switches(server, caller) || fstat(fd, &status) || status.st_uid == caller->uid)
        return 0;
    may = !look(request, &rights) || rights.capabilities & UINT64_C(1) << CAP_FOWNER;
    free(rights.groups);
    return may ? 0 : -EPERM;
}
