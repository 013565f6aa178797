/* What becomes of an inode when a name of it goes. */
#ifndef REQUEST_REMOVE_H
#define REQUEST_REMOVE_H

#include "request/spot.h"

struct removal {
    uint32_t inode; /* 0: no record */
    bool last;      /* it is its last name */
    bool
        kept; /* and the file is kept in the folder of removed files: it has commits in the journal, or no descriptor can be kept for it */
};

/* Before: it must stay reachable for who has it open, and must not be taken for lost by a recovery. */
struct removal removal_begin(struct server *server, const struct found *found);
/* After. `done`: the name is gone. */
void removal_end(struct server *server, const struct removal *removal, bool done);
/* This name of the inode was gone when its request was sent again: by the worker that died, which did not come to say so. */
void removal_resume(struct server *server, const struct spot *spot, uint64_t number);

#endif
