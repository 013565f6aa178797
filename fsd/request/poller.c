#include "config.h"

#include "request/poller.h"

#include <errno.h>
#include <linux/fuse.h>
#include <stdlib.h>
#include <string.h>
#include <sys/tree.h>
#include <sys/uio.h>

#include "log.h"

/* Who polls a descriptor of events, and was not woken since. */
struct poller {
    RB_ENTRY(poller) link;
    uint32_t inode;
    uint64_t number; /* of the handle */
    uint64_t poll;   /* the kernel's */
};

RB_HEAD(pollers, poller);

struct poller_table {
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

int poller_table_open(struct server *server)
{
    struct poller_table *table = calloc(1, sizeof *table);

    if (!table)
        return -ENOMEM;
    pthread_mutex_init(&table->lock, NULL);
    server->pollers = table;
    return 0;
}

/* A descriptor that was closed meanwhile is none that the kernel finds. */
void poller_wake(struct server *server, uint64_t poll)
{
    struct fuse_notify_poll_wakeup_out out = {.kh = poll};
    struct fuse_out_header header = {.len = sizeof header + sizeof out, .error = FUSE_NOTIFY_POLL};
    struct iovec parts[] = {{&header, sizeof header}, {&out, sizeof out}};

    if (writev(fuse_session_fd(server->session), parts, 2) < 0 && errno != ENOENT && errno != ENODEV)
        log_line(LOG_TRACE, "who polls cannot be woken: %s", strerror(errno));
}

/* The first poller of the inode is taken from the tree. NULL: there is none. */
static struct poller *take(struct poller_table *table, uint32_t inode)
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

void poller_tell(struct server *server, uint32_t inode)
{
    struct poller_table *table = server->pollers;
    struct poller *poller;

    while (table->count && (poller = take(table, inode))) {
        poller_wake(server, poller->poll);
        free(poller);
    }
}

int poller_add(struct server *server, uint32_t inode, uint64_t number, uint64_t poll)
{
    struct poller_table *table = server->pollers;
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

void poller_end(struct server *server, uint32_t inode, uint64_t number)
{
    struct poller_table *table = server->pollers;
    struct poller key = {.inode = inode, .number = number}, *poller;

    pthread_mutex_lock(&table->lock);
    poller = RB_FIND(pollers, &table->pollers, &key);
    if (poller) {
        RB_REMOVE(pollers, &table->pollers, poller);
        table->count--;
    }
    pthread_mutex_unlock(&table->lock);
    free(poller);
}
