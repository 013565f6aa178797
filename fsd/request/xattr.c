/* Extended attributes: the store's own, unless they are virtual. */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/xattr.h>

#include "request/attribute.h"
#include "request/caller.h"
#include "request/current.h"
#include "request/intent.h"
#include "request/operations.h"
#include "request/path.h"
#include "request/privilege.h"
#include "request/virtual.h"

#define NAMES_MAX 65536 /* XATTR_LIST_MAX of Linux */
#define ACCESS_LIST "system.posix_acl_access"

/* The store's value of an attribute, or without a name the list of names. The size or -errno. */
static ssize_t read_stored(struct server *server, uint32_t inode, const char *name, char *out, size_t max)
{
    struct descriptor *descriptor;
    char path[32];
    ssize_t n = descriptor_get(&server->descriptors, inode, &descriptor);

    if (n)
        return n;
    path_of_descriptor(path, descriptor);
    n = name ? getxattr(path, name, out, max) : listxattr(path, out, max);
    if (n < 0)
        n = -errno;
    descriptor_put(&server->descriptors, descriptor);
    return n;
}

void request_getxattr(fuse_req_t request, fuse_ino_t node, const char *name, size_t size)
{
    uint32_t inode = request_inode(request, node);
    char *value = current()->reply;
    ssize_t n;

    if (!inode)
        return;
    if (virtual_is(name)) {
        virtual_get(request, inode, name, size);
        return;
    }
    n = read_stored(server_of(request), inode, name, value, size < WRITE_MAX ? size : WRITE_MAX);
    if (n < 0)
        request_reply(request, n);
    else
        request_reply_value(request, value, n, size);
}

/* Names of virtual attributes are left out, so that copying programs do not carry them; the trusted ones are root's to see. */
static bool is_listed(fuse_req_t request, const char *name)
{
    return !virtual_is(name) && (!fuse_req_ctx(request)->uid || strncmp(name, "trusted.", 8));
}

static size_t without_hidden(fuse_req_t request, char *names, size_t length)
{
    size_t kept = 0;

    for (size_t at = 0; at < length;) {
        size_t n = strlen(names + at) + 1;

        if (is_listed(request, names + at)) {
            memmove(names + kept, names + at, n);
            kept += n;
        }
        at += n;
    }
    return kept;
}

void request_listxattr(fuse_req_t request, fuse_ino_t node, size_t size)
{
    uint32_t inode = request_inode(request, node);
    char *names = current()->reply;
    ssize_t n;

    if (!inode)
        return;
    n = read_stored(server_of(request), inode, NULL, names, NAMES_MAX);
    if (n < 0)
        request_reply(request, n);
    else
        request_reply_value(request, names, without_hidden(request, names, n), size);
}

/* Whether the flags refuse it as things are: then it has no effect that a next worker could take for its own. */
static bool is_refused(const char *path, const char *name, bool sets, int flags)
{
    if (sets && !flags)
        return false;
    return getxattr(path, name, NULL, 0) >= 0 ? flags & XATTR_CREATE : !sets || flags & XATTR_REPLACE;
}

/* Runs `change` on the descriptor's path; a changed attribute is metadata to be flushed. */
static void change(fuse_req_t request, uint32_t inode, const char *name, const char *value, size_t size, int flags)
{
    struct server *server = server_of(request);
    struct descriptor *descriptor;
    char path[32];
    bool tried = false;
    int error = descriptor_get(&server->descriptors, inode, &descriptor);

    if (error) {
        request_reply(request, error);
        return;
    }
    path_of_descriptor(path, descriptor);
    if (current_header()->unique & RESENT || !is_refused(path, name, value, flags))
        intent_begin(server, 0, &tried);
    if (tried)
        flags = 0;
    caller_act_as(server, request);
    if (value ? setxattr(path, name, value, size, flags) : removexattr(path, name))
        error = -errno;
    caller_act_as_self(server, request);
    if (tried && error == -ENODATA)
        error = 0;
    if (!error && value && !strcmp(name, ACCESS_LIST)) /* libfuse does not pass on that the kernel wants it */
        error = privilege_drop_group(request, descriptor);
    descriptor_put(&server->descriptors, descriptor);
    if (!error)
        attribute_changed(server, inode);
    request_reply(request, error);
}

void request_setxattr(fuse_req_t request, fuse_ino_t node, const char *name, const char *value, size_t size, int flags)
{
    uint32_t inode = request_inode(request, node);

    if (!inode)
        return;
    if (!virtual_is(name))
        change(request, inode, name, value, size, flags);
    else
        virtual_set(request, inode, name, value, size);
}

void request_removexattr(fuse_req_t request, fuse_ino_t node, const char *name)
{
    uint32_t inode = request_inode(request, node);

    if (!inode)
        return;
    if (!virtual_is(name))
        change(request, inode, name, NULL, 0, 0);
    else
        virtual_set(request, inode, name, "0", 1);
}
