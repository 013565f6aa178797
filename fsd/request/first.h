/* What is to be durable before a request takes effect: the request is parked until then, and no serving thread waits (invariant 10). */
#ifndef REQUEST_FIRST_H
#define REQUEST_FIRST_H

#include "file/commit.h"
#include "probe/probe.h"
#include "request/server.h"

/* Embedded in what the request needs to go on. */
struct first {
    struct probe_request probe;
    struct commit_waiter waiter;
    struct server *server;
    uint64_t unique;
    uint32_t user;
    uint32_t inodes[2], files[2];
    unsigned pulled; /* of the inodes */
    /* Goes on as if the request had just come. */
    void (*then)(struct first *first, int error);
};

/* True: the contents of these inodes' files (0: none), stores through mappings too, are being committed, and `then` will be, or was, called.
 * False: there is nothing to be committed, or a dead worker saw to it and began the request. */
bool first_commit(struct server *server, struct first *first, uint32_t inode, uint32_t other);

#endif
