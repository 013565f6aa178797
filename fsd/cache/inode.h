/* The inodes that the kernel knows, found by the store's inode number, and how to open them.
 *
 * The node id is the store's inode number (1 for the root), so that it is the same after a worker's death, after a remount, and for
 * a file handle that a client kept. Only one folder's device is served: a number is unique.
 *
 * Locking: `lock` guards the hash and the birth and death of records; a record's identity does not change in its life. Under it only
 * the locks of what ends with a record are taken: the files' slots, the descriptors'.
 */
#ifndef CACHE_INODE_H
#define CACHE_INODE_H

#include <pthread.h>
#include <sys/stat.h>

#include "cache/arena.h"
#include "cache/slots.h"
#include "cache/user.h"

/* Of a store, as long as it lives. */
struct inode_key {
    unsigned char bytes[192];
    bool known;
};

#define NUMBER_RETIRED UINT64_MAX /* nobody finds a record by that */
#define DOUBTED_MAX 64u

struct inode_table {
    struct arena *arena;
    int store;   /* the store's root */
    int private; /* the store's private folder, and in it */
    int removed; /*   the folder of removed files; -1: none */
    struct inode_key key;
    dev_t device;
    bool births;   /* as of identity_births */
    bool handles;  /* file handles mean something here, and may be used */
    uint64_t root; /* inode number of the root */

    /* Held by who changes a name in the store until the places tell, shared by who goes by them. Only `lock` is taken under it. */
    pthread_rwlock_t moving;
    pthread_rwlock_t
        modes; /* held by who changes a mode for a moment, shared by who asks for modes or sets them. As `moving`, and before it */
    pthread_mutex_t lock;
    struct slots slots;
    struct slots names; /* cells */
    uint32_t *heads;    /* hash of the number → slot */
    uint32_t *next;
    _Atomic uint32_t *holds; /* by slot */
    uint32_t *left;          /* of a takeover: records that the kernel does not refer to */
    uint32_t left_count;
    uint32_t doubted[DOUBTED_MAX]; /* whose records were found damaged */
    uint32_t doubted_count;
    /* Called under the lock when a record has ended, with the file's record that ended with it (0: none). Returns a descriptor to be closed
     * once the lock is free, or -1. */
    int (*ended)(void *context, uint32_t slot, uint32_t file);
    void *context;
    struct area_table *areas; /* NULL: there are none */
    struct users users;
};

/* Scans the arena: also takes over what a dead worker left. */
int inode_table_open(struct inode_table *table, struct arena *arena, int store);
/* Reads the store's key from its private folder, or makes one there: before anything is looked up. Without one (0), handles that clients kept are
 * found by their paths only. */
int inode_key_open(struct inode_table *table, int private_folder);

/* The slot of a node id, or 0. */
uint32_t inode_of_node(struct inode_table *table, uint64_t node);
/* Who it is that statx(2) told of, as records have it. */
void inode_identity_of(const struct inode_table *table, const struct statx *stat, struct identity *identity);
/* The record of just that one, or 0. */
uint32_t inode_of_identity(struct inode_table *table, const struct identity *identity);
uint64_t inode_node(const struct inode_table *table, uint32_t slot);

/* Finds or makes the record of what `name` is in the open folder, and counts one lookup, noted in `effects`. -errno; -EXDEV for another
 * device. */
int inode_lookup(struct inode_table *table, uint32_t parent, int folder, const char *name, struct statx *stat, uint32_t *slot,
                 struct effects *effects);
/* The same for an inode number alone, from a file handle that a client kept. -ESTALE: there is none, or it does not lie in the store, or in a
 * private folder. */
int inode_lookup_number(struct inode_table *table, uint64_t number, struct statx *stat, uint32_t *slot, struct effects *effects);

/* A record lives as long as the kernel refers to it (lookups: truth) or one of us holds it (private: a worker's successor counts its own).
 * Whoever keeps a slot, or the number of a file, over a moment at which it has no such reference holds the record: no list, queue or round
 * ever has one that may end. It ends in one place, inode.c's end(). To hold takes a reference to begin with. */
static inline void inode_hold(struct inode_table *table, uint32_t slot)
{
    atomic_fetch_add(&table->holds[slot], 1);
}
void inode_put(struct inode_table *table, uint32_t slot);
/* `count` references of the kernel's are gone; in one change with that, `counter` gets the value. */
void inode_forget(struct inode_table *table, uint32_t slot, uint64_t count, _Atomic uint32_t *counter, uint32_t value);
/* Of a takeover, when everything that lives on is held: the records end that a dead worker left unused. */
void inode_end_unused(struct inode_table *table);

/* What the inode is now called, or no longer is. While a record has a place it holds its folder's record. */
void inode_rename(struct inode_table *table, uint32_t slot, uint32_t parent, const char *name);
void inode_unname(struct inode_table *table, uint32_t slot, uint32_t parent, const char *name);
/* Whether the kernel can know the inode by this name: it refers to it, and another is not the only one. `links`: names that it has. */
bool inode_is_called(struct inode_table *table, uint32_t slot, uint32_t parent, const char *name, uint32_t links);
/* Whether it can be opened anew: by handle or by its place. */
bool inode_is_findable(const struct inode_table *table, uint32_t slot);

/* Opens the inode anew: read-write where possible for a regular file, for listing a folder, O_PATH else. What was opened is the inode's
 * (invariant 14): where it is found by its path, each folder on the way is the one that was meant. -ESTALE: it is not there; else -errno. */
int inode_open(struct inode_table *table, uint32_t slot);
/* The same for writing to a regular file. One that is our user's is opened whatever its mode. */
int inode_open_writable(struct inode_table *table, uint32_t slot);
/* Between these two modes are not changed for a moment by inode_open_writable: for who asks for them, or sets them. */
void inode_modes_hold(struct inode_table *table);
void inode_modes_release(struct inode_table *table);
/* The path relative to the store. False where it is not known. */
bool inode_path(struct inode_table *table, uint32_t slot, char path[4096]);
/* How messages name it: by its path below the mount (the end of a long one), else "inode N". Takes `lock`. */
#define INODE_TEXT_BYTES 256
const char *inode_text(struct inode_table *table, uint32_t slot, char text[INODE_TEXT_BYTES]);

void inode_identity(const struct inode_table *table, uint32_t slot, struct identity *identity);
uint64_t inode_generation(const struct inode_table *table, const struct identity *identity);

/* Of a takeover: the record is damaged (cache/damage.h). It is found by its number only if no other has that. */
void inode_doubt(struct inode_table *table, uint32_t slot);

#endif
