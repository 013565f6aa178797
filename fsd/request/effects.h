/* What requests under way have done that their replies tell of: done once, over any number of deaths (arena.h has the record). */
#ifndef REQUEST_EFFECTS_H
#define REQUEST_EFFECTS_H

#include "request/server.h"

/* Of a takeover, before anything is served. */
void effects_table_open(struct server *server);

/* The current request's, until it is ended. */
struct effects *effects_begin(struct server *server);
/* The current request was answered, if it is not parked: then it has none. */
void effects_end(void);
/* The current request is sent again: what a dead worker did for it, if anything, is its own now. */
void effects_adopt(struct server *server);

#endif
