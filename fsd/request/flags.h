/* The flags of chattr(1), as the store has them. */
#ifndef REQUEST_FLAGS_H
#define REQUEST_FLAGS_H

#include "request/server.h"

/* Whether the command of an ioctl is about them. */
bool flags_is(unsigned command);
/* Replies. */
void flags_serve(fuse_req_t request, uint32_t inode, unsigned command, const void *in, size_t in_size, size_t out_size);

#endif
