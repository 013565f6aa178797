/* What an inode is: the store's word, but for size and times of a file that has its own. */
#ifndef REQUEST_ATTRIBUTE_H
#define REQUEST_ATTRIBUTE_H

#include "request/server.h"

#define ATTRIBUTE_SECONDS 86400.0

/* `seconds`: how long the kernel may keep it. Nobody else changes the store, and of our own changes it hears. NULL: it is not told. */
int attribute_get(struct server *server, uint32_t inode, struct stat *stat, double *seconds);
/* The file's own size and times in place of the store's; and of its names only those that clients see. Returns the seconds. */
double attribute_overlay(struct server *server, uint32_t inode, struct stat *stat);
/* Whether the file has holes, and pages for them may wait in the kernel's page cache. */
bool attribute_may_lack_blocks(struct server *server, uint32_t inode, const struct stat *stat);
/* `error`, or the attributes. */
void attribute_reply(fuse_req_t request, uint32_t inode, int error);
/* The attributes changed: what the kernel was told and keeps is void. */
void attribute_untell(struct server *server, uint32_t inode);
/* Around a change that the kernel asked for. What it keeps it would show until who asked has heard the answer, also to somebody who has asked us meanwhile
 * and knows better; so it is void before the change is made. `begun`: what `begin` returned. */
uint32_t attribute_change_begin(struct server *server, uint32_t inode);
void attribute_change_end(struct server *server, uint32_t inode, uint32_t begun);
/* Metadata of the inode changed in the store: its ctime, and the next commit flushes it. */
void attribute_changed(struct server *server, uint32_t inode);

#endif
