#include "config.h"

#include "request/current.h"

#include <errno.h>
#include <stdlib.h>

#define VALUE_MAX 65536 /* XATTR_SIZE_MAX of Linux */

static _Thread_local struct current now;

struct current *current(void)
{
    return &now;
}

int request_may_manage(struct server *server, uint32_t inode)
{
    struct users *users = &server->inodes.users;

    if (inode != INODE_ROOT)
        return -ENOTTY;
    return user_is_exempt(users, user_find(users, current_header()->uid)) ? 0 : -EPERM;
}

void request_reply(fuse_req_t request, int error)
{
    fuse_reply_err(request, -error);
}

uint32_t request_inode(fuse_req_t request, fuse_ino_t node)
{
    uint32_t inode = inode_of_node(&server_of(request)->inodes, node);

    if (!inode)
        request_reply(request, -ESTALE);
    return inode;
}

void request_reply_value(fuse_req_t request, const char *value, size_t length, size_t size)
{
    if (length > VALUE_MAX)
        request_reply(request, -E2BIG);
    else if (!size)
        fuse_reply_xattr(request, length);
    else if (size < length)
        request_reply(request, -ERANGE);
    else
        fuse_reply_buf(request, value, length);
}

void request_ask(fuse_req_t request, struct probe_request *parked)
{
    struct server *server = server_of(request);
    int error = 0;

    if (file_may_be_mapped(&server->files, server->arena.inodes[parked->inode].file)) {
        error = probe_ask(server->probe, parked, current_header()->uid);
        if (!error)
            return;
    }
    if (error == -EDQUOT) {
        request_reply(request, error);
        free(parked);
    } else {
        parked->error = error;
        parked->done(parked);
    }
}
