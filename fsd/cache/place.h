/* Places: what an inode is called, and in which folder. Every record has one, whatever else it is found by: the journal names files by their
 * paths, and where handles mean nothing, nothing else leads to them.
 *
 * A place is one word of truth that leads to a name written before; so a worker that dies amid a rename leaves the old place or the new one.
 * The table's lock is held for all but place_path and place_take. Whoever gets a folder's slot back puts it (inode_put) without the lock.
 */
#ifndef CACHE_PLACE_H
#define CACHE_PLACE_H

#include "cache/inode.h"

#define PLACE_DEPTH_MAX 2048 /* a path has 4095 bytes */

/* The folder that the record was in and no longer holds, or 0. Where the arena has no room for the name, the place is unknown. */
uint32_t place_set(struct inode_table *table, uint32_t slot, uint32_t folder, const char *name);
uint32_t place_clear(struct inode_table *table, uint32_t slot);
bool place_is(const struct inode_table *table, uint32_t slot, uint32_t folder, const char *name);

/* The folder that the record is in, and its name there: `room` bytes. 0: unknown. */
uint32_t place_take(struct inode_table *table, uint32_t slot, char *name, size_t room);

/* Whether the slot is a folder's in use, whatever it may be. */
bool place_is_folder(const struct arena *arena, uint32_t slot);

/* What dead workers left: cells that no place leads to are free, places that make no sense are unknown, the others hold their folders. */
int places_take_over(struct inode_table *table);

#endif
