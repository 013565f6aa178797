/* The probe: a process that asks the kernel questions about our own mount.
 *
 * The kernel answers them with requests to the worker, so nobody who serves may ask (invariant 11). The worker sends a question and
 * parks what depends on it; its listening thread completes it. The probe opens a file by a handle made from the node id, asks,
 * closes: it leaves nothing open, so that the mount can be unmounted at any time. It has a descriptor table of its own.
 *
 * It is several processes, the lanes, that take questions from the same channel, and one that watches them: a question that waits for what its user
 * keeps back, or for a slow store, takes a lane, of which a user has a part. */
#ifndef PROBE_PROBE_H
#define PROBE_PROBE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "cache/inode.h"
#include "probe/place.h"

enum probe_question {
    PROBE_PULL,  /* have the kernel send its dirty pages, and wait until they came */
    PROBE_DIRTY, /* which pages are dirty in the kernel? */
};

struct probe_run {
    uint64_t first, last; /* pages */
};

/* Parked until answered. Embed as the first member of what is parked. */
struct probe_request {
    enum probe_question question;
    uint32_t inode; /* slot */
    uint64_t first; /* from this page on */
    uint32_t limit; /* DIRTY: at least so many runs are enough; 0: all */
    bool long_end;  /* `done` looks at all of the file's pages: no other answer may wait for it */
    /* Called once, by the listening thread, or that of long ends; frees the request. */
    void (*done)(struct probe_request *request);

    int error;              /* out: -errno; -ENOSYS where the kernel cannot be asked */
    struct probe_run *runs; /* out: sorted; the client frees them after done */
    uint32_t run_count;

    /* The client's. */
    struct user *user;
    uint64_t id;
    time_t sent;
    uint32_t run_max;
    TAILQ_ENTRY(probe_request) link;
};

struct probe_client;

/* The worker's end of the channel; starts the listening thread. */
int probe_client_open(struct probe_client **client, struct inode_table *inodes, int channel, uint32_t user_most);
/* So many of one user's questions may be under way from now on. */
void probe_client_share(struct probe_client *client, uint32_t user_most);
/* For this user. -ENOSYS: there is nobody to ask, -EDQUOT: too much of the user's waits; then `done` is not called. */
int probe_ask(struct probe_client *client, struct probe_request *request, uint32_t user);

/* Nothing is being asked. */
bool probe_is_idle(struct probe_client *client);

/* The probe's life. Does not return. `channel`: the probe's end. `arena`: to be unmapped. */
void probe_run(int channel, const struct place *place, struct arena *arena) __attribute__((noreturn));

#endif
