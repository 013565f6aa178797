/* Where serving threads run. To wake another processor takes longer than most requests. So while one client alone asks, and is bound to one processor, it is
 * served there. */
#ifndef REQUEST_FOLLOW_H
#define REQUEST_FOLLOW_H

#include <linux/fuse.h>

#include "request/server.h"

/* The thread received a request. */
void follow_count(struct server *server, const struct fuse_in_header *header);
/* Before the thread waits for one. */
void follow_client(const struct server *server);

#endif
