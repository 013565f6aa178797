/* Which records of the arena are not to be believed: one that has a value that it can never have, or whose seal (seal.h) or generation is another's.
 * For takeovers, before a number of a record is used for anything; and for who asks (request/verify.c).
 *
 * What is damaged is contained: what it belongs to is not found any more, or is known as damaged. How a file is: file/damage.h.
 */
#ifndef CACHE_DAMAGE_H
#define CACHE_DAMAGE_H

#include "cache/inode.h"

/* Of the header's constants, once they are set. */
void arena_seal(const struct arena *arena);
/* What is wrong with the header: a few words; NULL: nothing. Each new worker asks before it does anything. */
const char *arena_damage(const struct arena *arena);

/* The same of a record in use. The inode table's lock is held, or nobody else is there yet. */
const char *inode_damage(const struct inode_table *table, uint32_t slot);
const char *handle_damage(const struct arena *arena, uint32_t handle);
/* Whose it is: an inode in use, or 0. If it is the number that is damaged, the seal tells the right one: all are looked at where one may `search`. */
uint32_t handle_owner(const struct arena *arena, const struct handle *handle, bool search);
const char *area_damage(const struct arena *arena, uint32_t area);
/* Of a name, at its first cell; `cells` of it were looked at. */
const char *name_damage(const struct arena *arena, uint32_t head, uint32_t *cells);

/* The record is known as damaged from now on. The inode table's lock is held, or nobody else is there yet. */
void inode_mark(struct inode_table *table, uint32_t slot);
/* Of a takeover, once the store's key is read: marks each damaged inode, and tells of those that have no file's record. */
void inodes_find_damage(struct inode_table *table);
/* Of a takeover, first: what would lead out of the tables, or let a slot be used that is not free. */
void inode_make_safe(const struct arena *arena, uint32_t slot);

#endif
