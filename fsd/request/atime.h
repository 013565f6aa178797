/* Access times, where the store does not mark them. */
#ifndef REQUEST_ATIME_H
#define REQUEST_ATIME_H

#include "request/server.h"

/* The file was read, or mapped by the library. */
void atime_mark(struct server *server, uint32_t inode);

#endif
