#include "config.h"

#include "request/watch.h"

#include <errno.h>
#include <poll.h>

#include "file/status.h"
#include "mapshare-abi.h"
#include "request/current.h"
#include "request/handle.h"
#include "request/operations.h"
#include "request/poller.h"

#define ALWAYS (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM) /* what a file is that does not know how to wait */

/* ---- what there is to tell ---- */

struct event {
    uint64_t sequence, notices; /* struct mapshare_event */
};

static struct event now(struct server *server, uint32_t inode)
{
    uint32_t file = server->arena.inodes[inode].file;
    const struct inode *truth = &server->arena.inodes[inode];

    return (struct event){
        .sequence = file ? status_sequence(&server->files, file) : 0,
        .notices = area_notices(&server->areas, truth->number, truth->generation, 0),
    };
}

static bool is_news(const struct watch *watch, const struct event *event)
{
    return (watch->at & MAPSHARE_ABI_AT_COMMITS && event->sequence > watch->sequence) ||
           (watch->at & MAPSHARE_ABI_AT_NOTICES && event->notices != watch->notices);
}

static void set_told(struct watch *watch, const struct event *event)
{
    watch->sequence = event->sequence;
    watch->notices = event->notices;
}

void watch_notice(struct server *server, uint32_t inode)
{
    const struct inode *truth = &server->arena.inodes[inode];

    area_notices(&server->areas, truth->number, truth->generation, 1);
    poller_tell(server, inode);
}

void watch_take_over(struct server *server)
{
    for (uint32_t i = 1; i <= server->arena.header->handle_used; i++) {
        const struct handle *handle = &server->arena.handles[i];

        if (handle->inode && handle->watch.poll)
            poller_wake(server, handle->watch.poll);
    }
}

/* ---- polling ---- */

static unsigned poll_events(struct server *server, uint64_t number, const struct fuse_poll_in *in)
{
    struct handle *handle = handle_find(server, number);
    struct event event;
    uint32_t inode = handle ? handle->inode : 0;

    if (!inode || !handle->watch.at)
        return ALWAYS;
    if (in->flags & FUSE_POLL_SCHEDULE_NOTIFY) {
        atomic_store(&handle->watch.poll, in->kh);
        if (poller_add(server, inode, number, in->kh))
            return ALWAYS; /* it finds nothing, and asks again */
    }
    event = now(server, inode);
    return is_news(&handle->watch, &event) ? POLLIN | POLLRDNORM : 0;
}

void request_poll(fuse_req_t request, fuse_ino_t node, struct fuse_file_info *info, struct fuse_pollhandle *handle)
{
    const struct fuse_poll_in *in = (const void *)(current_header() + 1);

    if (handle)
        fuse_pollhandle_destroy(handle); /* all that it has is in `in`, too */
    fuse_reply_poll(request, area_is_node(node) ? poll_events(server_of(request), info->fh, in) : ALWAYS);
}

/* ---- the descriptor's life ---- */

void watch_open(fuse_req_t request, uint32_t inode, struct fuse_file_info *info)
{
    struct server *server = server_of(request);
    int error = handle_open(server, inode, O_RDONLY, &info->fh);

    if (error) {
        request_reply(request, error);
        return;
    }
    info->direct_io = 1;
    info->nonseekable = 1;
    info->noflush = 1;
    if (fuse_reply_open(request, info))
        handle_close(server, info->fh);
}

int watch_begin(struct server *server, uint64_t number, uint32_t at)
{
    struct handle *handle = handle_find(server, number);
    struct event event;
    int error;

    if (!handle)
        return -EBADF;
    if (!at || at & ~(MAPSHARE_ABI_AT_COMMITS | MAPSHARE_ABI_AT_NOTICES))
        return -EINVAL;
    if (!file_of(&server->files, handle->inode, true, &error)) /* a record that is made later knows of no earlier number */
        return error;
    event = now(server, handle->inode);
    set_told(&handle->watch, &event);
    atomic_store(&handle->watch.at, at);
    return 0;
}

/* A request that is sent again is answered as if it had news: the dead worker may have taken that. */
void watch_read(fuse_req_t request, uint64_t number, size_t size)
{
    struct server *server = server_of(request);
    struct handle *handle = handle_find(server, number);
    struct event event;
    int error = !handle ? -EBADF : size < sizeof event ? -EINVAL : 0;

    if (!error) {
        event = now(server, handle->inode);
        if (!is_news(&handle->watch, &event) && !(current_header()->unique & RESENT))
            error = -EAGAIN;
    }
    if (error) {
        request_reply(request, error);
        return;
    }
    set_told(&handle->watch, &event);
    fuse_reply_buf(request, (const char *)&event, sizeof event);
}
