#include "config.h"

#include "request/entry.h"

#include <sys/sysmacros.h>

#include "request/attribute.h"
#include "request/current.h"

static struct timespec of_statx(struct statx_timestamp at)
{
    return (struct timespec){at.tv_sec, at.tv_nsec};
}

void entry_fill(struct server *server, uint32_t inode, const struct statx *stat, struct fuse_entry_param *entry)
{
    *entry = (struct fuse_entry_param){
        .ino = inode_node(&server->inodes, inode),
        .generation = server->arena.inodes[inode].generation,
        .entry_timeout = ATTRIBUTE_SECONDS,
        .attr =
            {
                .st_ino = stat->stx_ino,
                .st_mode = stat->stx_mode,
                .st_nlink = stat->stx_nlink,
                .st_uid = stat->stx_uid,
                .st_gid = stat->stx_gid,
                .st_rdev = makedev(stat->stx_rdev_major, stat->stx_rdev_minor),
                .st_size = stat->stx_size,
                .st_blksize = stat->stx_blksize,
                .st_blocks = stat->stx_blocks,
                .st_atim = of_statx(stat->stx_atime),
                .st_mtim = of_statx(stat->stx_mtime),
                .st_ctim = of_statx(stat->stx_ctime),
            },
    };
    time_seen(entry->attr.st_ctim);
    entry->attr_timeout = attribute_overlay(server, inode, &entry->attr);
}

void entry_reply(fuse_req_t request, uint32_t inode, const struct statx *stat)
{
    struct server *server = server_of(request);
    struct fuse_entry_param entry;

    entry_fill(server, inode, stat, &entry);
    if (fuse_reply_entry(request, &entry))
        entry_take_back(server);
}

void entry_take_back(struct server *server)
{
    struct effects *effects = current()->effects;

    while (effects && effects->counted) {
        uint32_t last = effects->counted - 1, inode = effects->slots[last];

        if (inode && inode <= server->arena.header->inode_used && server->arena.inodes[inode].number)
            entry_drop(server, inode, 1, &effects->counted, last);
        else
            effects->counted = last;
    }
}

void entry_drop(struct server *server, uint32_t inode, uint64_t count, _Atomic uint32_t *counter, uint32_t value)
{
    if (!inode)
        return;
    inode_hold(&server->inodes, inode);
    inode_forget(&server->inodes, inode, count, counter, value);
    entry_drop_contents(server, inode);
    inode_put(&server->inodes, inode);
}

void entry_drop_contents(struct server *server, uint32_t inode)
{
    const struct inode *truth = &server->arena.inodes[inode];

    if (truth->number && truth->flags & INODE_UNLINKED && truth->file && !truth->lookups)
        file_drop(&server->files, truth->file);
}
