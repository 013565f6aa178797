#include "config.h"

#include "cache/area.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

/* A node id: 16 bits that say what it is, the kind, 31 bits of the incarnation, 16 of the index. */
#define NODE_MARK (0xa5eaull << 48)
#define NODE_MASK (0xffffull << 48)
#define NODE_KIND (1ull << 47)
#define INCARNATION_MASK 0x7fffffffu

int area_table_open(struct area_table *table, struct arena *arena)
{
    struct arena_header *header = arena->header;
    int error;

    *table = (struct area_table){.arena = arena, .lock = PTHREAD_MUTEX_INITIALIZER};
    error = slots_open(&table->slots, &header->area_used, header->area_max);
    for (uint32_t i = header->area_used; i && !error; i--) {
        if (!arena->areas[i].number)
            slots_give(&table->slots, i);
    }
    return error;
}

/* The lock is held. */
static uint32_t find(const struct area_table *table, uint64_t number, uint64_t generation)
{
    for (uint32_t i = table->arena->header->area_used; i; i--) {
        const struct area *area = &table->arena->areas[i];

        if (area->number == number && area->generation == generation)
            return i;
    }
    return 0;
}

static int make(struct area_table *table, uint64_t number, uint64_t generation, uint32_t *index)
{
    struct area *area;
    uint64_t tokens[2][2];

    if (getrandom(tokens, sizeof tokens, 0) != sizeof tokens)
        return -EAGAIN;
    *index = slots_take(&table->slots);
    if (!*index)
        return -ENOSPC;
    area = &table->arena->areas[*index];
    memcpy(area->tokens, tokens, sizeof tokens);
    memset(table->arena->area_bytes + (size_t)*index * AREA_BYTES, 0, AREA_BYTES);
    area->generation = generation;
    area->incarnation = (area->incarnation + 1) & INCARNATION_MASK;
    atomic_store(&area->number, number);
    return 0;
}

int area_of(struct area_table *table, uint64_t number, uint64_t generation, uint32_t *area)
{
    int error = 0;

    pthread_mutex_lock(&table->lock);
    *area = find(table, number, generation);
    if (!*area)
        error = make(table, number, generation, area);
    pthread_mutex_unlock(&table->lock);
    return error;
}

/* Nobody has the file open: who is said to hold a lock died with it. */
static bool has_something_to_tell(struct area_table *table, uint32_t area)
{
    const struct mapshare_abi_lock *locks = (const void *)area_bytes(table, (struct area_part){area, MAPSHARE_ABI_LOCKS});

    for (uint32_t i = 0; i < MAPSHARE_ABI_LOCK_COUNT; i++) {
        if (locks[i].owner || locks[i].inconsistent)
            return true;
    }
    return false;
}

void area_forget(struct area_table *table, uint64_t number, uint64_t generation, bool gone)
{
    uint32_t area;

    pthread_mutex_lock(&table->lock);
    area = find(table, number, generation);
    if (area && (gone || !has_something_to_tell(table, area))) {
        atomic_store(&table->arena->areas[area].number, 0);
        slots_give(&table->slots, area);
    }
    pthread_mutex_unlock(&table->lock);
}

void area_name(struct area_table *table, struct area_part part, char name[AREA_NAME_MAX])
{
    const uint64_t *token = table->arena->areas[part.area].tokens[part.kind];

    snprintf(name, AREA_NAME_MAX, MAPSHARE_AREA_PREFIX "%c%x-%016llx%016llx", part.kind == MAPSHARE_ABI_LOCKS ? 'l' : 'b',
             part.area, (unsigned long long)token[0], (unsigned long long)token[1]);
}

static struct area_part check(struct area_table *table, struct area_part part)
{
    if (part.area > table->arena->header->area_used || !table->arena->areas[part.area].number)
        part.area = 0;
    return part;
}

struct area_part area_of_name(struct area_table *table, const char *name)
{
    struct area_part part = {0};
    char kind, expected[AREA_NAME_MAX];

    if (sscanf(name, MAPSHARE_AREA_PREFIX "%c%x-", &kind, &part.area) != 2)
        return (struct area_part){0};
    part.kind = kind == 'l' ? MAPSHARE_ABI_LOCKS : MAPSHARE_ABI_BOARD;
    part = check(table, part);
    if (part.area)
        area_name(table, part, expected);
    return part.area && !strcmp(name, expected) ? part : (struct area_part){0};
}

bool area_is_node(uint64_t node)
{
    return (node & NODE_MASK) == NODE_MARK;
}

uint64_t area_node(struct area_table *table, struct area_part part)
{
    return NODE_MARK | (part.kind == MAPSHARE_ABI_LOCKS ? NODE_KIND : 0) |
           (uint64_t)table->arena->areas[part.area].incarnation << 16 | part.area;
}

struct area_part area_of_node(struct area_table *table, uint64_t node)
{
    struct area_part part = {.area = node & 0xffff, .kind = node & NODE_KIND ? MAPSHARE_ABI_LOCKS : MAPSHARE_ABI_BOARD};

    part = check(table, part);
    return part.area && area_node(table, part) == node ? part : (struct area_part){0};
}

size_t area_size(uint32_t kind)
{
    return kind == MAPSHARE_ABI_LOCKS ? MAPSHARE_ABI_LOCKS_BYTES : MAPSHARE_ABI_BOARD_BYTES;
}

unsigned char *area_bytes(struct area_table *table, struct area_part part)
{
    return table->arena->area_bytes + (size_t)part.area * AREA_BYTES +
           (part.kind == MAPSHARE_ABI_LOCKS ? MAPSHARE_ABI_BOARD_BYTES : 0);
}
