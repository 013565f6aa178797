#include "config.h"

#include "request/write.h"

#include <errno.h>

#include "file/ahead.h"
#include "request/attribute.h"
#include "request/burst.h"
#include "request/current.h"
#include "request/handle.h"
#include "request/operations.h"
#include "request/parked_write.h"
#include "request/privilege.h"

#define AHEAD_SIZE (128u << 10) /* a write(2) of so much is one of many */

/* The bytes that the thread received go into the file. Returns bytes or -errno. */
static ssize_t take_write(struct server *server, uint32_t inode, const struct fuse_write_in *in)
{
    const struct handle *handle = in->write_flags & FUSE_WRITE_CACHE ? handle_find(server, in->fh) : NULL;
    struct received data = current()->bytes;
    int error;
    uint32_t file = file_of(&server->files, inode, true, &error), begun;
    ssize_t n = error;

    data.user = handle ? handle->user : current_header()->uid;
    begun = attribute_change_begin(server, inode);
    if (file)
        n = file_write(&server->files, file, &data, in->size, in->offset,
                       in->write_flags & FUSE_WRITE_CACHE ? WRITE_MAPPED : WRITE_PLAIN);
    attribute_change_end(server, inode, begun);
    return n;
}

bool write_received(struct server *server)
{
    const struct fuse_in_header *header = current_header();
    const struct fuse_write_in *in = (const void *)(header + 1);
    struct write_answer answer = {.header = {.len = sizeof answer, .unique = header->unique}};
    uint32_t inode = inode_of_node(&server->inodes, header->nodeid), file;
    ssize_t n;

    if (!inode || in->write_flags & FUSE_WRITE_KILL_SUIDGID)
        return false;
    if (in->size % PAGE_BYTES || in->size >> PAGE_SHIFT > current()->bytes.frame_count)
        burst_release(server); /* more frames are needed than are here: they may have to be waited for */
    n = take_write(server, inode, in);
    while (n >= 0 && in->write_flags & FUSE_WRITE_CACHE && (size_t)n < in->size) {
        burst_release(server);
        file = server->arena.inodes[inode].file;
        if (write_park(server, inode, file, in, n))
            return true;
        if (server->arena.files[file].flags & FILE_ATOMIC) {
            file_tear(&server->files, file);
            n = -ENOSPC;
        } else { /* commits make room, as long as the store can be written */
            n = take_write(server, inode, in);
        }
    }
    if (n < 0)
        answer.header = (struct fuse_out_header){.len = sizeof answer.header, .unique = header->unique, .error = n};
    else
        answer.out.size = n;
    burst_answer(server, &answer);
    file = server->arena.inodes[inode].file;
    if ((in->write_flags & FUSE_WRITE_CACHE || in->size >= AHEAD_SIZE) && ahead_claim(&server->files, file)) {
        burst_release(server);
        ahead_of_commit(&server->files, file);
    }
    return true;
}

void request_write(fuse_req_t request, fuse_ino_t node, const char *bytes, size_t size, off_t offset, struct fuse_file_info *info)
{
    const struct fuse_write_in *in = (const void *)(current_header() + 1);
    uint32_t inode = request_inode(request, node);
    ssize_t n;

    (void)bytes, (void)size, (void)offset, (void)info;
    if (!inode)
        return;
    n = take_write(server_of(request), inode, in);
    if (n >= 0)
        privilege_drop(request, inode);
    if (n < 0)
        request_reply(request, n);
    else
        fuse_reply_write(request, n);
}
