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
    uint32_t inode; /* 0: the place is free, or the descriptor nobody else's */
    uint32_t uses;
    bool pinned;                  /* one of the uses */
    bool writable;                /* known to be */
    TAILQ_ENTRY(descriptor) link; /* of idle, or of free */
};

TAILQ_HEAD(descriptor_list, descriptor);

struct descriptor_cache {
    struct inode_table *inodes;
    pthread_mutex_t lock;
    pthread_cond_t freed;              /* one became idle, or its place free */
    struct descriptor_list idle, free; /* idle: least recently used first */
    struct descriptor *all;
    uint32_t *of_inode; /* slot → 1 + index into all */
    uint32_t limit;     /* places */
    uint32_t pins;
};

/* Adopts pinned descriptors of a dead worker's, closes its others: all but `keep`. `threads` serve with it. */
int descriptor_cache_open(struct descriptor_cache *cache, struct inode_table *inodes, uint32_t threads, const int *keep,
                          size_t keep_count);

/* The inode's descriptor, opened if need be; give it back with descriptor_put, until which it holds the inode's record. Where all places are in use it waits for one: no client ever
 * sees our limit. -errno. */
int descriptor_get(struct descriptor_cache *cache, uint32_t inode, struct descriptor **out);
/* The same, of a regular file, for writing: -EACCES, -EPERM or -EROFS where that cannot be. */
int descriptor_get_writable(struct descriptor_cache *cache, uint32_t inode, struct descriptor **out);
void descriptor_put(struct descriptor_cache *cache, struct descriptor *descriptor);
/* Another one of the same file, for O_DIRECT; given back in the same way. -EMFILE rather than waiting. */
int descriptor_get_direct(struct descriptor_cache *cache, const struct descriptor *of, struct descriptor **out);

/* For whoever opens something else: after -EMFILE or -ENFILE an idle descriptor is put away, or one is waited for, and it is to be tried again
 * (true). `tries` begins with 0. */
bool descriptor_spare(struct descriptor_cache *cache, int error, int *tries);

/* Hand over a descriptor that was just opened or made. */
void descriptor_adopt(struct descriptor_cache *cache, uint32_t inode, int fd);
/* The file's last name goes: keep a descriptor open until descriptor_unpin. -EMFILE when half of all are pinned, -EDQUOT when `user` has as many as
 * one may have; root may have that half. */
int descriptor_pin(struct descriptor_cache *cache, uint32_t inode, uint32_t user);
/* `percent` of what may be pinned is a user's share. */
void descriptor_share(struct descriptor_cache *cache, unsigned percent);
void descriptor_unpin(struct descriptor_cache *cache, uint32_t inode);
/* The inode's record ends: returns its descriptor, to be closed by the caller, or -1. */
int descriptor_detach(struct descriptor_cache *cache, uint32_t inode);

#endif
