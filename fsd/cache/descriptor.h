/* Open descriptors of the store's files: a bounded cache. An inode does not need one to exist, unless its last name is gone.
 *
 * Locking: `lock` guards everything. Taken last.
 */
#ifndef CACHE_DESCRIPTOR_H
#define CACHE_DESCRIPTOR_H

#include <sys/queue.h>

#include "cache/inode.h"

struct descriptor {
    int fd;
    uint32_t inode; /* 0: not in use */
    uint32_t uses;
    TAILQ_ENTRY(descriptor) link; /* of idle, or of free */
};

TAILQ_HEAD(descriptor_list, descriptor);

struct descriptor_cache {
    struct inode_table *inodes;
    pthread_mutex_t lock;
    struct descriptor_list idle, free; /* idle: least recently used first */
    struct descriptor *all;
    uint32_t *of_inode; /* slot → 1 + index into all */
    uint32_t limit;
};

/* Adopts pinned descriptors of a dead worker's, closes its others: all but `keep`. */
int descriptor_cache_open(struct descriptor_cache *cache, struct inode_table *inodes, const int *keep, size_t keep_count);

/* The inode's descriptor, opened if need be; give it back with descriptor_put. Until then it holds the inode's record. -errno. */
int descriptor_get(struct descriptor_cache *cache, uint32_t inode, struct descriptor **out);
void descriptor_put(struct descriptor_cache *cache, struct descriptor *descriptor);

/* Hand over a descriptor that was just opened or made. */
void descriptor_adopt(struct descriptor_cache *cache, uint32_t inode, int fd);
/* The file's last name goes: keep a descriptor open until descriptor_detach. */
int descriptor_pin(struct descriptor_cache *cache, uint32_t inode);
/* The inode's record ends: returns its descriptor, to be closed by the caller, or -1. */
int descriptor_detach(struct descriptor_cache *cache, uint32_t inode);

#endif
