/* A folder and a name in it, for as long as a request takes, and what is there. */
#ifndef REQUEST_SPOT_H
#define REQUEST_SPOT_H

#include "request/server.h"

struct spot {
    uint32_t folder;
    const char *name;
    struct descriptor *descriptor;
};

/* What is at a spot. */
struct found {
    struct identity identity; /* inode 0: nothing is there */
    uint32_t inode;           /* its record; 0: none */
    uint32_t links;           /* names; 1 for a folder */
    bool known;               /* the kernel knows that it is there, and checked what it checks */
};

/* -EPERM for a name that the mount keeps for itself. */
int spot_open(struct server *server, fuse_ino_t folder, const char *name, struct spot *spot);
void spot_close(struct server *server, struct spot *spot);

struct found spot_look(struct server *server, const struct spot *spot);
/* Relative to the store. False where it is not known. */
bool spot_path(struct server *server, const struct spot *spot, char path[4096]);

#endif
