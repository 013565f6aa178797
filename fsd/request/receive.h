/* How a serving thread gets its requests. */
#ifndef REQUEST_RECEIVE_H
#define REQUEST_RECEIVE_H

#include "request/server.h"

/* What nobody answered is sent again, and reading waits for it, whatever a dead worker did to the descriptor. 0 or -errno; -ENODEV: the mount is gone. */
int request_send_again(int fd);

/* Receives and serves until the mount is gone (0) or -errno. */
int request_serve(struct server *server);

/* A request that was parked as it came, with all its bytes. By any thread of the worker's. */
void receive_again(struct server *server, void *bytes, size_t size);

#endif
