/* How a serving thread gets its requests. */
#ifndef REQUEST_RECEIVE_H
#define REQUEST_RECEIVE_H

#include "request/server.h"

/* Receives and serves until the mount is gone (0) or -errno. */
int request_serve(struct server *server);

#endif
