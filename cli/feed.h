/* Reading a mount's or a file's feed: records are put together to what one commit changed of a file, or to another event. */
#ifndef CLI_FEED_H
#define CLI_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "mapshare-abi.h"

struct feed_change {
    uint32_t kind; /* enum mapshare_abi_change */
    uint64_t first, last;
};

struct feed_event {
    uint32_t kind; /* enum mapshare_abi_kind */
    uint64_t sequence;
    struct timespec time;
    uint64_t figures[2]; /* of a commit or rollback: inode and size */
    uint32_t generation; /* of the inode */
    char path[4096];     /* "": not known */
    size_t path_bytes;
    struct feed_change *changes;
    size_t count, room;
};

struct feed_reader {
    int fd; /* of a file, or of a mount's root */
    struct mapshare_abi_feed feed;
    struct feed_event event; /* being put together */
};

/* `since`: MAPSHARE_ABI_NOW, or a commit after which to begin. */
void feed_begin(struct feed_reader *reader, int fd, uint32_t log, uint64_t since);
/* All that there is now. -ERANGE: what is next was lost; the reader goes on with what comes from now on. Else -errno. */
int feed_read(struct feed_reader *reader, void (*each)(void *context, const struct feed_event *event), void *context);
void feed_end(struct feed_reader *reader);

const char *feed_change_name(uint32_t kind);

#endif
