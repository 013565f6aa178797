#include "config.h"

#include "request/verify.h"

#include <errno.h>

#include "cache/damage.h"
#include "file/verify.h"
#include "request/current.h"

/* Returns what is wrong with a handle whose inode is held then; *inode is 0 where that is not known. */
static const char *look_at_handle(struct server *server, uint32_t number, struct mapshare_abi_verify *report, uint32_t *inode)
{
    const struct handle *handle = &server->arena.handles[number];
    const char *damage = NULL;

    *inode = 0;
    pthread_mutex_lock(&server->handle_lock);
    if (handle->inode || handle->seal) {
        damage = handle_damage(&server->arena, number);
        verify_count(report, MAPSHARE_ABI_HANDLES, damage);
    }
    if (damage)
        *inode = handle_owner(&server->arena, handle, true);
    if (*inode)
        inode_hold(&server->inodes, *inode);
    pthread_mutex_unlock(&server->handle_lock);
    return damage;
}

static void verify_handles(struct server *server, struct mapshare_abi_verify *report)
{
    for (uint32_t i = 1; i <= server->arena.header->handle_used; i++) {
        uint32_t inode;
        const char *damage = look_at_handle(server, i, report, &inode);

        if (inode && server->arena.inodes[inode].file)
            verify_tell_file(&server->files, report, server->arena.inodes[inode].file, damage);
        if (inode)
            inode_put(&server->inodes, inode);
    }
}

static void verify_areas(struct server *server, struct mapshare_abi_verify *report)
{
    for (uint32_t i = 1; i <= server->arena.header->area_used; i++) {
        pthread_mutex_lock(&server->areas.lock);
        if (server->arena.areas[i].number)
            verify_count(report, MAPSHARE_ABI_AREAS, area_damage(&server->arena, i));
        pthread_mutex_unlock(&server->areas.lock);
    }
}

void verify_serve(fuse_req_t request, uint32_t inode)
{
    struct server *server = server_of(request);
    struct mapshare_abi_verify report = {0};
    int error = request_may_manage(server, inode);

    if (error) {
        request_reply(request, error);
        return;
    }
    verify_inodes(&server->files, &report);
    verify_files(&server->files, &report);
    verify_handles(server, &report);
    verify_areas(server, &report);
    fuse_reply_ioctl(request, 0, &report, sizeof report);
}
