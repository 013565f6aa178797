/* WRITE. */
#ifndef REQUEST_WRITE_H
#define REQUEST_WRITE_H

#include "request/server.h"

/* The WRITE that the thread received, without libfuse: there are many, and one costs little more than the system calls. False: it is one
 * that only request_write can do. */
bool write_received(struct server *server);

#endif
