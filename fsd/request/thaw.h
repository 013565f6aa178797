/* What a freeze had parked goes on. */
#ifndef REQUEST_THAW_H
#define REQUEST_THAW_H

#include "request/server.h"

void thaw(struct server *server);
/* Of the worker's main thread: also where the freeze ended by itself. */
void thaw_tick(struct server *server);

#endif
