/* What a dead worker read and did not finish. */
#ifndef REQUEST_TAKEOVER_H
#define REQUEST_TAKEOVER_H

#include "request/server.h"

/* Before anything is served, and before any frame is taken: FORGETs may lie in free ones. */
void requests_take_over(struct server *server);

#endif
