#include "config.h"

#include "request/listing.h"

#include <errno.h>

#include "file/listing.h"
#include "request/current.h"

void listing_serve(fuse_req_t request, uint32_t inode, const void *in)
{
    struct server *server = server_of(request);
    const struct mapshare_abi_files *question = in;
    struct mapshare_abi_files list = {.next = question->next};
    int error = request_may_manage(server, inode);

    if (error) {
        request_reply(request, error);
        return;
    }
    listing_fill(&server->files, &list);
    fuse_reply_ioctl(request, 0, &list, sizeof list);
}
