/* The request that the calling thread serves, and how it is answered: exactly once (invariant 9).
 *
 * A handler runs in the serving thread that received the request. It never waits for the disk's flush, the probe or another request
 * (invariant 10, with its exceptions): what must wait is parked with its request and answered by whoever completes it.
 */
#ifndef REQUEST_CURRENT_H
#define REQUEST_CURRENT_H

#include <linux/fuse.h>

#include "probe/probe.h"
#include "request/server.h"

#define FOLDER_BYTES (64u << 10)
#define RESENT (1ull << 63) /* in `unique`: the kernel sends the request again, a dead worker may have executed it */

struct current {
    const struct fuse_in_header *header; /* and behind it what belongs to its opcode */
    uint32_t settled;                    /* files->settled when it came */
    struct received bytes;               /* a WRITE's */
    char *reply;                         /* WRITE_MAX bytes, to make a reply in */
    char *names;                         /* FOLDER_BYTES, to read a folder into */
    struct effects *own_effects;         /* the thread's; NULL: not yet needed */
    struct effects *effects;             /* the request's; NULL: none yet */
};

struct current *current(void);

static inline const struct fuse_in_header *current_header(void)
{
    return current()->header;
}

/* The slot of the node, or 0: ESTALE was replied. */
uint32_t request_inode(fuse_req_t request, fuse_ino_t node);
/* Whether it is for all of the mount, of its root by root or its owner: 0, -ENOTTY or -EPERM. */
int request_may_manage(struct server *server, uint32_t inode);
/* `error`: 0 or -errno. */
void request_reply(fuse_req_t request, int error);
/* An extended attribute, to one who has room for `size` bytes; 0: asks for its length. */
void request_reply_value(fuse_req_t request, const char *value, size_t length, size_t size);
/* What the kernel must be asked first, where its file may be mapped. `done` is called in any case, with `error` where it could not be asked; but for a
 * user who has asked too much: then the request is refused, and the probe's request, which is all that is parked, freed. */
void request_ask(fuse_req_t request, struct probe_request *parked);

#endif
