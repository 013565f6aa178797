#include "config.h"

#include "cache/index.h"

#include <assert.h>
#include <errno.h>
#include <sys/mman.h>

#define HASH_BITS 20
#define HASH_SIZE (1u << HASH_BITS)

/* Numbers of one folder are mostly neighbours, and so are their buckets: a takeover fills them in a fraction of the time that scattered ones take. */
static uint32_t bucket(uint64_t number)
{
    return (number ^ number >> HASH_BITS ^ number >> 2 * HASH_BITS) % HASH_SIZE;
}

uint32_t index_find(const struct inode_table *table, uint64_t number)
{
    uint32_t slot = table->heads[bucket(number)];

    while (slot && (table->arena->inodes[slot].number != number || number == NUMBER_RETIRED))
        slot = table->next[slot];
    return slot;
}

void index_link(struct inode_table *table, uint32_t slot)
{
    uint32_t *head = &table->heads[bucket(table->arena->inodes[slot].number)];

    table->next[slot] = *head;
    *head = slot;
}

void index_unlink(struct inode_table *table, uint32_t slot)
{
    uint32_t *at = &table->heads[bucket(table->arena->inodes[slot].number)];

    while (*at != slot) {
        assert(*at); /* else its number changed meanwhile: the next worker takes it for damaged */
        at = &table->next[*at];
    }
    *at = table->next[slot];
}

uint32_t inode_of_node(struct inode_table *table, uint64_t node)
{
    uint32_t slot;

    if (node == 1)
        return INODE_ROOT;
    pthread_mutex_lock(&table->lock);
    slot = index_find(table, node);
    pthread_mutex_unlock(&table->lock);
    return slot;
}

void inode_doubt(struct inode_table *table, uint32_t slot)
{
    uint32_t *at = &table->heads[bucket(table->arena->inodes[slot].number)];

    while (*at && *at != slot)
        at = &table->next[*at];
    if (*at) /* else it is linked by the number that it had */
        *at = table->next[slot], table->next[slot] = 0;
    else
        at = NULL;
    while (at && *at)
        at = &table->next[*at];
    if (at)
        *at = slot;
    if (table->doubted_count < DOUBTED_MAX)
        table->doubted[table->doubted_count++] = slot;
}

int index_open(struct inode_table *table)
{
    struct arena_header *header = table->arena->header;
    size_t next_bytes = (header->inode_max + 1ul) * sizeof(uint32_t);

    table->heads = mmap(NULL, HASH_SIZE * sizeof(uint32_t) + 3 * next_bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (table->heads == MAP_FAILED)
        return -errno;
    table->next = table->heads + HASH_SIZE;
    table->holds = (_Atomic uint32_t *)(table->next + header->inode_max + 1);
    table->left = (uint32_t *)(table->holds + header->inode_max + 1);
    return slots_open(&table->slots, &header->inode_used, header->inode_max);
}
