/* Who polls a descriptor of events, and was not woken since. */
#ifndef REQUEST_POLLER_H
#define REQUEST_POLLER_H

#include "request/server.h"

int poller_table_open(struct server *server);

/* Before it is looked whether there is news: who brings some then finds the poller. `number`: of the handle; `poll`: the kernel's. */
int poller_add(struct server *server, uint32_t inode, uint64_t number, uint64_t poll);
void poller_end(struct server *server, uint32_t inode, uint64_t number);

/* All who poll for what happens to the file; or one, by the kernel's number. */
void poller_tell(struct server *server, uint32_t inode);
void poller_wake(struct server *server, uint64_t poll);

#endif
