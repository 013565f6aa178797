/* Which pages of which files were changed by commits that the copy does not have. */
#ifndef CLI_FOLLOW_DIRTY_H
#define CLI_FOLLOW_DIRTY_H

#include <stdbool.h>
#include <time.h>

#include "feed.h"
#include "follow/wire.h"

struct dirty_range {
    uint64_t first, last; /* pages */
};

struct dirty_file {
    struct wire_id id;
    bool whole; /* any page */
    struct dirty_range *ranges;
    size_t count, room;
};

struct dirty {
    void *files; /* tsearch, by id */
    size_t count;
    struct timespec since; /* the first of these commits; 0: none */
};

/* 0 or -ENOMEM. */
int dirty_add(struct dirty *dirty, const struct feed_event *event);
/* What the other has as well; the other is empty then. */
int dirty_take(struct dirty *dirty, struct dirty *other);
const struct dirty_file *dirty_find(const struct dirty *dirty, const struct wire_id *id);
/* All of them, sorted; ranges too, each page in one of them. NULL: no memory. To be freed. */
struct dirty_file **dirty_list(struct dirty *dirty);
void dirty_free(struct dirty *dirty);

#endif
