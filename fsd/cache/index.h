/* Records by the numbers that the kernel knows: a hash, made anew by each worker. But for inode_of_node and inode_doubt (inode.h), for who has the
 * table's lock. */
#ifndef CACHE_INDEX_H
#define CACHE_INDEX_H

#include "cache/inode.h"

/* Also room for the counts of holds and for what a takeover finds left. 0 or -errno. */
int index_open(struct inode_table *table);
/* The slot, or 0. */
uint32_t index_find(const struct inode_table *table, uint64_t number);
void index_link(struct inode_table *table, uint32_t slot);
void index_unlink(struct inode_table *table, uint32_t slot);

#endif
