/* What requests under way have done that their replies tell of: done once, over any number of deaths (arena.h has the record). */
#ifndef REQUEST_EFFECTS_H
#define REQUEST_EFFECTS_H

#include "request/current.h"

/* Of a takeover, before anything is served. */
void effects_table_open(struct server *server);

/* The current request's, until it is ended. */
struct effects *effects_begin(struct server *server);
/* The current request was answered, if it is not parked: then it has none. */
void effects_end(void);
/* Between these two the thread, which need not be a serving one, goes on with another request, which was parked. */
void effects_lend(const struct fuse_in_header *header, struct current *outer);
void effects_return(struct server *server, const struct current *outer);
/* The current request is sent again: what a dead worker did for it, if anything, is its own now. */
void effects_adopt(struct server *server);

#endif
