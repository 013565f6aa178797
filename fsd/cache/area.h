/* What processes share of a file besides its bytes: the board (notices, and who has which pages mapped) and the locks. Of its third kind, events,
 * nothing is stored: it is a name by which who may read the file opens what tells of them (request/watch.h).
 *
 * Each is memory of the arena which the kernel knows as a file without a place in any folder: clients map it, the kernel's page cache
 * holds what they see, and what it writes back comes here. It is never journaled and never in the store. An area ends with the last open of
 * its file, unless a lock's owner died: the next one who opens the file is told, and so it lives on, at most as long as the file.
 *
 * An area names its file by inode number and generation. Locking: `lock` guards the hash, and the birth and death of areas; it is a leaf. The
 * bytes are guarded by the kernel, which sends one WRITE of a page at a time.
 */
#ifndef CACHE_AREA_H
#define CACHE_AREA_H

#include <pthread.h>

#include "cache/arena.h"
#include "cache/slots.h"
#include "mapshare-abi.h"

#define AREA_NAME_MAX 64

struct area_table {
    struct arena *arena;
    pthread_mutex_t lock;
    struct slots slots;
    uint32_t *heads; /* hash of the number → area */
    uint32_t *next;
};

/* What a node id of ours, or a name, says. */
struct area_part {
    uint32_t area; /* 0: there is none */
    uint32_t kind; /* enum mapshare_abi_area_kind */
};

/* Also takes over what a dead worker left. */
int area_table_open(struct area_table *table, struct arena *arena);

/* The area of the file, made at need for the user. 0; -EDQUOT: others than root may have half of all; -ENOSPC. */
int area_of(struct area_table *table, uint64_t number, uint64_t generation, uint32_t user, uint32_t *area);
/* How many notices the daemon was told of, with `more` that it is told now. */
uint64_t area_notices(struct area_table *table, uint64_t number, uint64_t generation, uint32_t more);
/* Nobody has the file open any more; or it is gone for good. */
void area_forget(struct area_table *table, uint64_t number, uint64_t generation, bool gone);

/* Who may open the locks: a user who showed a descriptor open for writing. A name alone is no permission: inotify(7) tells names to others. */
void area_grant(struct area_table *table, uint32_t area, uint32_t user);
bool area_is_granted(struct area_table *table, uint32_t area, uint32_t user);

/* The name by which the part can be opened in any folder of the mount. */
void area_name(struct area_table *table, struct area_part part, char name[AREA_NAME_MAX]);
struct area_part area_of_name(struct area_table *table, const char *name);

/* Node ids that no file of a store has: their upper bits are ours. */
bool area_is_node(uint64_t node);
uint64_t area_node(struct area_table *table, struct area_part part);
struct area_part area_of_node(struct area_table *table, uint64_t node);

size_t area_size(uint32_t kind);
unsigned char *area_bytes(struct area_table *table, struct area_part part);

#endif
