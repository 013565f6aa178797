#include "config.h"

#include "request/listing.h"

#include <errno.h>

#include "file/listing.h"
#include "request/current.h"

void listing_serve(fuse_req_t request, uint32_t inode, const void *in)
{
    struct server *server = server_of(request);
    struct users *users = &server->inodes.users;
    const struct mapshare_abi_files *question = in;
    struct mapshare_abi_files list = {.next = question->next};

    if (inode != INODE_ROOT || !user_is_exempt(users, user_find(users, current_header()->uid))) {
        request_reply(request, inode == INODE_ROOT ? -EPERM : -ENOTTY);
        return;
    }
    listing_fill(&server->files, &list);
    fuse_reply_ioctl(request, 0, &list, sizeof list);
}
