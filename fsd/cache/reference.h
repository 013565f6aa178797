/* The kernel's references to inodes (lookups), exact over deaths of the worker.
 *
 * A count changes together with a counter in the arena that says how far its cause has got: the entries of a reply that are counted, or the
 * FORGETs of a message that are applied. Both changes are written down first (arena_header.redo), so that a death between any two stores is
 * made good: what is written down is done again, and once more does no harm.
 */
#ifndef CACHE_REFERENCE_H
#define CACHE_REFERENCE_H

#include "cache/arena.h"

/* The inode table's lock is held: there is one such change at a time. */
void reference_set(const struct arena *arena, uint32_t slot, uint64_t lookups, _Atomic uint32_t *counter, uint32_t value);
/* Of a takeover, before anything else looks at a count. */
void reference_redo(const struct arena *arena);

#endif
