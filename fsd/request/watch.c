#include "config.h"

#include "request/watch.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/tree.h>
#include <sys/uio.h>

#include "file/status.h"
#include "log.h"
#include "mapshare-abi.h"
#include "request/current.h"
#include "request/handle.h"
#include "request/operations.h"

#define ALWAYS (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM) /* what a file is that does not know how to wait */

/* Who polls a descriptor of events, and was not woken since. */
struct poller {
    RB_ENTRY(poller) link;
    uint32_t inode;
    uint64_t number; /* of the handle */
    uint64_t poll;   /* the kernel's */
};

RB_HEAD(pollers, poller);

struct watch_table {
    pthread_mutex_t lock; /* of the tree; a leaf */
    struct pollers pollers;
    _Atomic uint32_t count;
};

static int compare(const struct poller *a, const struct poller *b)
{
    if (a->inode != b->inode)
        return a->inode < b->inode ? -1 : 1;
    return (a->number > b->number) - (a->number < b->number);
}

RB_GENERATE_INTERNAL(pollers, poller, link, compare, static __attribute__((unused)))

int watch_table_open(struct server *server)
{
    struct watch_table *table = calloc(1, sizeof *table);

    if (!table)
        return -ENOMEM;
    pthread_mutex_init(&table->lock, NULL);
    server->watches = table;
    return 0;
}

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

/* ---- waking ---- */

/* A descriptor that was closed meanwhile is none that the kernel finds. */
static void wake(struct server *server, uint64_t poll)
{
    struct fuse_notify_poll_wakeup_out out = {.kh = poll};
    struct fuse_out_header header = {.len = sizeof header + sizeof out, .error = FUSE_NOTIFY_POLL};
    struct iovec parts[] = {{&header, sizeof header}, {&out, sizeof out}};

    if (writev(fuse_session_fd(server->session), parts, 2) < 0 && errno != ENOENT && errno != ENODEV)
        log_line(LOG_TRACE, "who polls cannot be woken: %s", strerror(errno));
}

/* The first poller of the inode is taken from the tree. NULL: there is none. */
static struct poller *take(struct watch_table *table, uint32_t inode)
{
    struct poller key = {.inode = inode}, *poller;

    pthread_mutex_lock(&table->lock);
    poller = RB_NFIND(pollers, &table->pollers, &key);
    if (poller && poller->inode != inode)
        poller = NULL;
    if (poller) {
        RB_REMOVE(pollers, &table->pollers, poller);
        table->count--;
    }
    pthread_mutex_unlock(&table->lock);
    return poller;
}

void watch_tell(struct server *server, uint32_t inode)
{
    struct watch_table *table = server->watches;
    struct poller *poller;

    while (table->count && (poller = take(table, inode))) {
        wake(server, poller->poll);
        free(poller);
    }
}

void watch_notice(struct server *server, uint32_t inode)
{
    const struct inode *truth = &server->arena.inodes[inode];

    area_notices(&server->areas, truth->number, truth->generation, 1);
    watch_tell(server, inode);
}

void watch_take_over(struct server *server)
{
    for (uint32_t i = 1; i <= server->arena.header->handle_used; i++) {
        const struct handle *handle = &server->arena.handles[i];

        if (handle->inode && handle->watch.poll)
            wake(server, handle->watch.poll);
    }
}

/* ---- polling ---- */

/* Before it is looked whether there is news: who brings some then finds the poller. */
static int add(struct server *server, uint32_t inode, uint64_t number, uint64_t poll)
{
    struct watch_table *table = server->watches;
    struct poller *poller = malloc(sizeof *poller), *there;

    if (!poller)
        return -ENOMEM;
    *poller = (struct poller){.inode = inode, .number = number, .poll = poll};
    pthread_mutex_lock(&table->lock);
    there = RB_INSERT(pollers, &table->pollers, poller);
    if (!there)
        table->count++;
    pthread_mutex_unlock(&table->lock);
    if (there)
        free(poller);
    return 0;
}

static unsigned poll_events(struct server *server, uint64_t number, const struct fuse_poll_in *in)
{
    struct handle *handle = handle_find(server, number);
    struct event event;
    uint32_t inode = handle ? handle->inode : 0;

    if (!inode || !handle->watch.at)
        return ALWAYS;
    if (in->flags & FUSE_POLL_SCHEDULE_NOTIFY) {
        atomic_store(&handle->watch.poll, in->kh);
        if (add(server, inode, number, in->kh))
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

void watch_end(struct server *server, uint64_t number)
{
    struct watch_table *table = server->watches;
    const struct handle *handle = handle_find(server, number);
    struct poller key, *poller;

    if (!handle || !handle->watch.at)
        return;
    key = (struct poller){.inode = handle->inode, .number = number};
    pthread_mutex_lock(&table->lock);
    poller = RB_FIND(pollers, &table->pollers, &key);
    if (poller) {
        RB_REMOVE(pollers, &table->pollers, poller);
        table->count--;
    }
    pthread_mutex_unlock(&table->lock);
    free(poller);
}
