#include "config.h"

#include "request/area.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>

#include "cache/area.h"
#include "request/atime.h"
#include "request/attribute.h"
#include "request/current.h"
#include "request/operations.h"
#include "request/watch.h"

#define PERMISSION_SECONDS \
    1.0 /* a board follows its file's mode within that time; to ask each time costs an open half as much again */

void area_tell(fuse_req_t request, uint32_t inode, const struct handle *handle, const struct mapshare_abi_area *in)
{
    struct server *server = server_of(request);
    const struct inode *truth = &server->arena.inodes[inode];
    struct mapshare_abi_area out = {.kind = in->kind};
    struct area_part part = {.kind = in->kind};
    int error = 0;

    if (in->kind > MAPSHARE_ABI_EVENTS)
        error = -EINVAL;
    else if (!handle || (in->kind == MAPSHARE_ABI_LOCKS && (handle->flags & O_ACCMODE) == O_RDONLY))
        error = -EBADF;
    if (!error)
        error = area_of(&server->areas, truth->number, truth->generation, fuse_req_ctx(request)->uid, &part.area);
    if (error) {
        request_reply(request, error);
        return;
    }
    if (in->kind == MAPSHARE_ABI_BOARD)
        atime_mark(server, inode);
    if (in->kind == MAPSHARE_ABI_LOCKS)
        area_grant(&server->areas, part.area, fuse_req_ctx(request)->uid);
    area_name(&server->areas, part, out.name);
    fuse_reply_ioctl(request, 0, &out, sizeof out);
}

/* The inode of the board's file, whose permissions are the board's. 0: the kernel has forgotten it. */
static uint32_t inode_of_area(struct server *server, struct area_part part)
{
    const struct area *area = &server->arena.areas[part.area];
    uint32_t inode = inode_of_node(&server->inodes, area->number);

    return inode && server->arena.inodes[inode].generation == area->generation ? inode : 0;
}

/* The locks are for users who showed a descriptor open for writing (area_open), also one that they got from somebody: so no mode. The board is
 * for who may open the file. */
static int attributes(struct server *server, struct area_part part, struct stat *stat)
{
    uint32_t inode = inode_of_area(server, part);
    int error = inode ? attribute_get(server, inode, stat, NULL) : -ESTALE;

    if (error)
        return error;
    stat->st_ino = area_node(&server->areas, part);
    stat->st_mode =
        S_IFREG | (part.kind == MAPSHARE_ABI_LOCKS ? 0666 : stat->st_mode & (part.kind == MAPSHARE_ABI_EVENTS ? 0444 : 0666));
    stat->st_nlink = 1;
    stat->st_size = area_size(part.kind);
    stat->st_blocks = 0;
    return 0;
}

void area_lookup(fuse_req_t request, const char *name)
{
    struct server *server = server_of(request);
    struct area_part part = area_of_name(&server->areas, name);
    struct fuse_entry_param entry = {.entry_timeout = ATTRIBUTE_SECONDS, .attr_timeout = PERMISSION_SECONDS};
    int error = part.area ? attributes(server, part, &entry.attr) : -ENOENT;

    if (error) {
        request_reply(request, error);
        return;
    }
    entry.ino = area_node(&server->areas, part);
    entry.generation = server->arena.areas[part.area].incarnation;
    fuse_reply_entry(request, &entry);
}

void area_getattr(fuse_req_t request, fuse_ino_t node)
{
    struct server *server = server_of(request);
    struct area_part part = area_of_node(&server->areas, node);
    struct stat stat;
    int error = part.area ? attributes(server, part, &stat) : -ESTALE;

    if (error)
        request_reply(request, error);
    else
        fuse_reply_attr(request, &stat, PERMISSION_SECONDS);
}

static void open_events(fuse_req_t request, struct area_part part, struct fuse_file_info *info)
{
    uint32_t inode = inode_of_area(server_of(request), part);

    if (!inode)
        request_reply(request, -ESTALE);
    else
        watch_open(request, inode, info);
}

void area_open(fuse_req_t request, fuse_ino_t node, struct fuse_file_info *info)
{
    struct area_table *areas = &server_of(request)->areas;
    struct area_part part = area_of_node(areas, node);
    int error = part.area ? 0 : -ESTALE;

    if (!error && part.kind == MAPSHARE_ABI_LOCKS && !area_is_granted(areas, part.area, fuse_req_ctx(request)->uid))
        error = -EACCES;
    if (!error && info->flags & O_TRUNC) /* the kernel would take the memory from all who have it mapped */
        error = -EPERM;
    if (error) {
        request_reply(request, error);
        return;
    }
    if (part.kind == MAPSHARE_ABI_EVENTS) {
        open_events(request, part, info);
        return;
    }
    info->fh = 0; /* no handle: there is nothing to end with it */
    info->keep_cache = 1;
    info->noflush = 1;
    fuse_reply_open(request, info);
}

void area_read(fuse_req_t request, fuse_ino_t node, size_t size, off_t offset, uint64_t handle)
{
    struct server *server = server_of(request);
    struct area_part part = area_of_node(&server->areas, node);
    size_t bytes = area_size(part.kind);

    if (!part.area) {
        request_reply(request, -ESTALE);
        return;
    }
    if (part.kind == MAPSHARE_ABI_EVENTS) {
        watch_read(request, handle, size);
        return;
    }
    if (offset < 0 || (size_t)offset > bytes)
        size = 0;
    else if (size > bytes - offset)
        size = bytes - offset;
    fuse_reply_buf(request, (const char *)area_bytes(&server->areas, part) + (size ? offset : 0), size);
}

/* By mappings alone: write(2) could make it longer. What the kernel wrote back of an area that ended meanwhile is of no use to anybody, and so
 * taken, too. */
void area_write(fuse_req_t request, fuse_ino_t node)
{
    struct server *server = server_of(request);
    const struct fuse_write_in *in = (const void *)(current_header() + 1);
    const struct received *data = &current()->bytes;
    struct area_part part = area_of_node(&server->areas, node);
    size_t bytes = part.area ? area_size(part.kind) : 0;

    if (!(in->write_flags & FUSE_WRITE_CACHE) || part.kind == MAPSHARE_ABI_EVENTS) {
        request_reply(request, -EPERM);
        return;
    }
    for (size_t done = 0, n; done < in->size && in->offset + done < bytes; done += n) {
        size_t frame = done >> PAGE_SHIFT, room = bytes - in->offset - done;
        const unsigned char *from = frame < data->frame_count ? arena_page(&server->arena, data->frames[frame])
                                                              : data->rest + ((frame - data->frame_count) << PAGE_SHIFT);

        n = in->size - done < PAGE_BYTES ? in->size - done : PAGE_BYTES;
        n = n < room ? n : room;
        memcpy(area_bytes(&server->areas, part) + in->offset + done, from, n);
    }
    fuse_reply_write(request, in->size);
}

/* The kernel asks for the board's ACL, to check who may open it: its file's. */
void area_getxattr(fuse_req_t request, fuse_ino_t node, const char *name, size_t size)
{
    struct server *server = server_of(request);
    struct area_part part = area_of_node(&server->areas, node);
    uint32_t inode = part.area && part.kind != MAPSHARE_ABI_LOCKS ? inode_of_area(server, part) : 0;

    if (inode && !strcmp(name, "system.posix_acl_access"))
        request_getxattr(request, inode_node(&server->inodes, inode), name, size);
    else
        request_reply(request, -ENODATA);
}
