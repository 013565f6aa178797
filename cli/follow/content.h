/* Sending what is in files, of a snapshot: where they were changed, or where they differ from what the far side has. */
#ifndef CLI_FOLLOW_CONTENT_H
#define CLI_FOLLOW_CONTENT_H

#include "follow/dirty.h"

struct content_file {
    struct wire_id id;
    size_t name;                      /* in the tree */
    const struct dirty_file *changes; /* NULL: any page */
    bool there;                       /* the far side has the file */
    int fd;                           /* -1: it is gone */
    uint64_t size, done;              /* bytes; those that need not be looked at again */
    unsigned char *hashes;            /* of the far side's first piece */
    size_t hash_count;
};

struct content {
    struct wire *wire;
    int snapshot;
    uint64_t bytes;                /* sent */
    int (*between)(void *context); /* called now and then */
    void *context;
};

/* Asks for the hashes of all that are to be compared, at once. */
int content_ask(struct content *content, struct content_file *files, size_t count);
/* The file at this place of the snapshot. -ESTALE: the snapshot is over; to be called again, with another one. */
int content_send(struct content *content, struct content_file *file, size_t place);

#endif
