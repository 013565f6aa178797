/* Requests that may not take effect twice. */
#ifndef REQUEST_INTENT_H
#define REQUEST_INTENT_H

#include "request/server.h"

/* Remember what the current request is about to do; `tried`: a dead worker began it. */
struct intent *intent_begin(struct server *server, uint64_t inode, bool *tried);

#endif
