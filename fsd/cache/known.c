/* Who a record is. */
#include "config.h"

#include <string.h>
#include <xxhash.h>

#include "cache/inode.h"

/* What a client's file handle proves: only who was given one for this very file can make it, for as long as the store keeps its key. */
uint64_t inode_generation(const struct inode_table *table, const struct identity *identity)
{
    uint32_t length = identity->handle_length <= INODE_HANDLE_MAX ? identity->handle_length : 0; /* as the record has it */
    struct identity of = {.inode = identity->inode, .birth = identity->birth, .handle_length = length};

    memcpy(of.handle, identity->handle, length);
    return (uint32_t)XXH3_64bits_withSecret(&of, sizeof of, table->key.bytes, sizeof table->key.bytes);
}

void inode_identity_of(const struct inode_table *table, const struct statx *stat, struct identity *identity)
{
    identity_of(stat, identity);
    if (!table->births)
        identity->birth = (struct timespec){0};
}

uint32_t inode_of_identity(struct inode_table *table, const struct identity *identity)
{
    struct identity known;
    uint32_t slot = inode_of_node(table, identity->inode == table->root ? 1 : identity->inode);

    if (slot)
        inode_identity(table, slot, &known);
    return slot && identity_is_born(identity) && !identity_same(identity, &known) ? 0 : slot;
}

uint64_t inode_node(const struct inode_table *table, uint32_t slot)
{
    return slot == INODE_ROOT ? 1 : table->arena->inodes[slot].number;
}

bool inode_is_findable(const struct inode_table *table, uint32_t slot)
{
    const struct inode *inode = &table->arena->inodes[slot];

    return inode->handle_length || inode->place || inode->flags & INODE_REMOVED || slot == INODE_ROOT;
}

void inode_identity(const struct inode_table *table, uint32_t slot, struct identity *identity)
{
    const struct inode *inode = &table->arena->inodes[slot];

    *identity = (struct identity){
        .device = table->device,
        .type = inode->type,
        .inode = inode->number,
        .birth = inode->birth,
        .handle_type = inode->handle_type,
        .handle_length = inode->handle_length,
    };
    memcpy(identity->handle, inode->handle, inode->handle_length);
}
