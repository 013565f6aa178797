/* A client that works asks again soon, and a thread that has gone to sleep takes longer to wake than the next request takes to come. So one thread, while
 * requests come that soon, looks for them for a moment before it sleeps. A mount that nobody uses takes no time. */
#ifndef REQUEST_EXPECT_H
#define REQUEST_EXPECT_H

#include "request/server.h"

/* Before and after the thread waits for a request. */
void expect_request(struct server *server);
void expect_came(struct server *server);

#endif
