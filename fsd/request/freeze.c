#include "config.h"

#include "request/freeze.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "log.h"

#define CHANGES_ATTRIBUTES (FATTR_MODE | FATTR_UID | FATTR_GID | FATTR_ATIME | FATTR_MTIME | FATTR_CTIME)

STAILQ_HEAD(parked_changes, parked_change);

struct freeze {
    _Atomic uint32_t changing; /* changes under way */
    _Atomic uint32_t waiting;  /* parked; changed with the lock */
    _Atomic bool on;           /* changed with the lock */
    pthread_mutex_t lock;      /* a leaf; all below */
    uint64_t id;
    int64_t deadline;
    struct parked_changes parked;
};

int freeze_open(struct server *server)
{
    struct freeze *freeze = calloc(1, sizeof *freeze);

    if (!freeze)
        return -ENOMEM;
    pthread_mutex_init(&freeze->lock, NULL);
    STAILQ_INIT(&freeze->parked);
    server->freeze = freeze;
    return 0;
}

/* Sizes and contents are the journal's. */
static bool is_change(const struct fuse_in_header *header)
{
    const struct fuse_setattr_in *in = (const void *)(header + 1);

    switch (header->opcode) {
    case FUSE_SETATTR:
        return header->len >= sizeof *header + sizeof *in && in->valid & CHANGES_ATTRIBUTES;
    case FUSE_SYMLINK:
    case FUSE_MKNOD:
    case FUSE_MKDIR:
    case FUSE_UNLINK:
    case FUSE_RMDIR:
    case FUSE_RENAME:
    case FUSE_RENAME2:
    case FUSE_LINK:
    case FUSE_CREATE:
    case FUSE_SETXATTR:
    case FUSE_REMOVEXATTR:
        return true;
    default:
        return false;
    }
}

void freeze_hold(struct server *server)
{
    atomic_fetch_add(&server->freeze->changing, 1);
}

void freeze_release(struct server *server)
{
    atomic_fetch_sub(&server->freeze->changing, 1);
}

/* False: it goes on at once, since the freeze has ended, or ends as there is no memory. */
static bool park(struct freeze *freeze, const struct fuse_in_header *header, size_t size)
{
    struct parked_change *parked = malloc(sizeof *parked + size);
    bool on;

    if (parked) {
        parked->size = size;
        memcpy(parked->bytes, header, size);
    }
    pthread_mutex_lock(&freeze->lock);
    if (!parked)
        freeze->on = false;
    on = freeze->on;
    if (on) {
        STAILQ_INSERT_TAIL(&freeze->parked, parked, link);
        freeze->waiting++;
    }
    pthread_mutex_unlock(&freeze->lock);
    if (!on)
        free(parked);
    return on;
}

/* First it is counted, then the freeze is looked at; who freezes does it the other way round. */
bool freeze_enter(struct server *server, const struct fuse_in_header *header, size_t size)
{
    if (!is_change(header))
        return true;
    freeze_hold(server);
    if (!server->freeze->on)
        return true;
    freeze_release(server);
    if (park(server->freeze, header, size))
        return false;
    freeze_hold(server);
    return true;
}

void freeze_leave(struct server *server, const struct fuse_in_header *header)
{
    if (is_change(header))
        freeze_release(server);
}

int freeze_begin(struct server *server, uint64_t id, uint32_t seconds, bool *quiet)
{
    struct freeze *freeze = server->freeze;
    int error = 0;

    pthread_mutex_lock(&freeze->lock);
    if (freeze->on && freeze->id != id) {
        error = -EBUSY;
    } else if (!freeze->on) {
        freeze->id = id;
        freeze->deadline = clock_nanoseconds() + seconds * 1000000000ll;
        freeze->on = true;
    }
    pthread_mutex_unlock(&freeze->lock);
    if (error)
        return error;
    *quiet = freeze->changing == 0;
    pthread_mutex_lock(&server->wait_lock);
    pthread_cond_signal(&server->tick);
    pthread_mutex_unlock(&server->wait_lock);
    return 0;
}

int freeze_end(struct server *server, uint64_t id, struct journal_point *point)
{
    struct freeze *freeze = server->freeze;
    bool ends;

    pthread_mutex_lock(&freeze->lock);
    ends = freeze->on && freeze->id == id;
    if (ends) {
        journal_where(server->journal, point);
        freeze->on = false;
    }
    pthread_mutex_unlock(&freeze->lock);
    return ends ? 0 : -ESTALE;
}

struct parked_change *freeze_next(struct server *server)
{
    struct freeze *freeze = server->freeze;
    struct parked_change *parked = NULL;

    pthread_mutex_lock(&freeze->lock);
    if (!freeze->on)
        parked = STAILQ_FIRST(&freeze->parked);
    if (parked) {
        STAILQ_REMOVE_HEAD(&freeze->parked, link);
        freeze->waiting--;
    }
    pthread_mutex_unlock(&freeze->lock);
    return parked;
}

bool freeze_is_on(const struct server *server)
{
    return server->freeze->on || server->freeze->waiting;
}

bool freeze_tick(struct server *server)
{
    struct freeze *freeze = server->freeze;
    bool thaws;

    pthread_mutex_lock(&freeze->lock);
    if (freeze->on && clock_nanoseconds() > freeze->deadline) {
        freeze->on = false;
        log_line(LOG_NOTE, "changes of names have waited for a backup as long as they may, and go on");
    }
    thaws = !freeze->on && freeze->waiting;
    pthread_mutex_unlock(&freeze->lock);
    return thaws;
}
