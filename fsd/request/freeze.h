/* For a moment no name, mode, owner or attribute changes: a backup looks at all of them. Requests that change some are parked as they came, never
 * a thread; contents are written and committed all the while. */
#ifndef REQUEST_FREEZE_H
#define REQUEST_FREEZE_H

#include <linux/fuse.h>
#include <sys/queue.h>

#include "request/server.h"

/* A request, as it came. */
struct parked_change {
    STAILQ_ENTRY(parked_change) link;
    size_t size;
    _Alignas(8) char bytes[];
};

int freeze_open(struct server *server);

/* Around a request that has come: what it changes waits, or is under way. False: it is parked. */
bool freeze_enter(struct server *server, const struct fuse_in_header *header, size_t size);
void freeze_leave(struct server *server, const struct fuse_in_header *header);
/* Around what goes on when the request's handler has returned. */
void freeze_hold(struct server *server);
void freeze_release(struct server *server);

/* `id`: whose freeze it is, never 0. *quiet: no change is under way any more. -EBUSY: another's. */
int freeze_begin(struct server *server, uint64_t id, uint32_t seconds, bool *quiet);
/* Where the journal was when it ended. -ESTALE: it had ended by itself, or never began. What was parked goes on with thaw(). */
int freeze_end(struct server *server, uint64_t id, struct journal_point *point);
/* The next one that was parked, to be freed, in the order in which they came. NULL: there is none, or a new freeze holds them. */
struct parked_change *freeze_next(struct server *server);

/* Of the worker's main thread: a freeze ends by itself. False: nothing is frozen or parked. */
bool freeze_is_on(const struct server *server);
/* Whether something that was parked may go on. */
bool freeze_tick(struct server *server);

#endif
