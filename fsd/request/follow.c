#include "config.h"

#include "request/follow.h"

#include <sched.h>

#include "request/burst.h"

#define ALONE 8u         /* so many requests in a row are of one thread of a client's */
#define LOOK_AGAIN 4096u /* after so many more: it may have been bound elsewhere */

static _Thread_local int bound = NO_PROCESSOR; /* where this thread is bound to */
static _Thread_local cpu_set_t usual;          /* where it may run else */

/* The one on which it may run. Not of who has real-time priority, and could keep us from running there. */
static int processor_of(pid_t thread)
{
    int policy = sched_getscheduler(thread), found = NO_PROCESSOR;
    cpu_set_t set;

    if ((policy != SCHED_OTHER && policy != SCHED_BATCH) || sched_getaffinity(thread, sizeof set, &set) || CPU_COUNT(&set) != 1)
        return NO_PROCESSOR;
    while (!CPU_ISSET(++found, &set))
        ;
    return found;
}

/* What the kernel writes back is of no client; many pages are served faster by all processors. */
void follow_count(struct server *server, const struct fuse_in_header *header)
{
    uint32_t in_row;

    if (!header->pid || header->pid != server->lone_client) {
        if (header->pid)
            server->lone_client = header->pid;
        if (header->pid || burst_is_on(server)) {
            server->lone_requests = 0;
            server->followed = NO_PROCESSOR;
        }
        return;
    }
    in_row = atomic_fetch_add_explicit(&server->lone_requests, 1, memory_order_relaxed);
    if (in_row % LOOK_AGAIN == ALONE)
        server->followed = processor_of((pid_t)header->pid);
}

void follow_client(const struct server *server)
{
    int wanted = server->followed;
    cpu_set_t one;

    if (wanted == bound)
        return;
    if (bound == NO_PROCESSOR && sched_getaffinity(0, sizeof usual, &usual))
        return;
    CPU_ZERO(&one);
    if (wanted != NO_PROCESSOR)
        CPU_SET(wanted, &one);
    sched_setaffinity(0, sizeof one, wanted == NO_PROCESSOR ? &usual : &one); /* where that is not permitted all stays as it is */
    bound = wanted;
}
