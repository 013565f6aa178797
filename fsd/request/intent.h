/* Requests that may not take effect twice. */
#ifndef REQUEST_INTENT_H
#define REQUEST_INTENT_H

#include "request/server.h"

/* Remember what is about to be done; `tried`: the same request was begun by a dead worker. Ended after the reply. */
struct intent *intent_begin(struct server *server, uint64_t inode, bool *tried);
void intent_end(struct intent *intent);

#endif
