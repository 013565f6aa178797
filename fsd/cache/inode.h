/* The inodes that the kernel knows, found by the store's inode number, and how to open them.
 *
 * The node id is the store's inode number (1 for the root), so that it is the same after a worker's death, after a remount, and for
 * a file handle that a client kept. Only one folder's device is served: a number is unique.
 *
 * Locking: `lock` guards the hash and the birth and death of records; a record's identity does not change in its life. It is a
 * leaf: nothing else is locked under it but the descriptors' lock.
 */
#ifndef CACHE_INODE_H
#define CACHE_INODE_H

#include <pthread.h>
#include <sys/stat.h>

#include "cache/arena.h"
#include "cache/slots.h"

struct inode_table {
    struct arena *arena;
    int store;          /* the store's root */
    uint32_t device[2]; /* major, minor */
    bool handles;       /* open_by_handle_at is permitted */
    uint64_t root;      /* inode number of the root */

    pthread_mutex_t lock;
    struct slots slots, names;
    uint32_t *heads; /* hash of the number → slot */
    uint32_t *next;
};

/* Scans the arena: also takes over what a dead worker left. */
int inode_table_open(struct inode_table *table, struct arena *arena, int store);

/* The slot of a node id, or 0. */
uint32_t inode_of_node(struct inode_table *table, uint64_t node);
uint64_t inode_node(const struct inode_table *table, uint32_t slot);

/* Finds or makes the record of what `name` is in the open folder, and counts one lookup. -errno; -EXDEV for another device. */
int inode_lookup(struct inode_table *table, uint32_t parent, int folder, const char *name, struct statx *stat, uint32_t *slot);
/* The same for an inode number alone, from a file handle that a client kept. -ESTALE. */
int inode_lookup_number(struct inode_table *table, uint64_t number, struct statx *stat, uint32_t *slot);

/* The kernel dropped `count` references. True when none is left: the caller then frees it once nothing else needs it. */
bool inode_forget(struct inode_table *table, uint32_t slot, uint64_t count);
/* Ends the record's life, unless the kernel looked it up again. Its slot is used again after inode_recycle, when the caller has freed
 * what hangs on it. */
bool inode_end(struct inode_table *table, uint32_t slot);
void inode_recycle(struct inode_table *table, uint32_t slot);

/* Where the file is now called, for stores that cannot be searched by handle. */
void inode_rename(struct inode_table *table, uint32_t slot, uint32_t parent, const char *name);

/* Opens the inode anew: read-write where possible for a regular file, for listing a folder, O_PATH else. -errno. */
int inode_open(struct inode_table *table, uint32_t slot);
/* The path relative to the store, for the journal. False where it is not known. */
bool inode_path(struct inode_table *table, uint32_t slot, char path[4096]);

void inode_identity(const struct inode_table *table, uint32_t slot, struct identity *identity);

#endif
