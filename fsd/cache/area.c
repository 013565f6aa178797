#include "config.h"

#include "cache/area.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "cache/damage.h"
#include "log.h"

/* A node id: 16 bits that say what it is, two of the kind, 30 of the incarnation, 16 of the index. */
#define NODE_MARK (0xa5eaull << 48)
#define NODE_MASK (0xffffull << 48)
#define NODE_KIND_SHIFT 46
#define NODE_KIND_MASK 3ull

#define HASH_BITS 16

static uint32_t bucket(uint64_t number)
{
    return number * 0x9e3779b97f4a7c15ull >> (64 - HASH_BITS);
}

static void link_area(struct area_table *table, uint32_t area)
{
    uint32_t *head = &table->heads[bucket(table->arena->areas[area].number)];

    table->next[area] = *head;
    *head = area;
}

static void unlink_area(struct area_table *table, uint32_t area)
{
    uint32_t *at = &table->heads[bucket(table->arena->areas[area].number)];

    while (*at != area)
        at = &table->next[*at];
    *at = table->next[area];
}

int area_table_open(struct area_table *table, struct arena *arena)
{
    struct arena_header *header = arena->header;
    int error;

    *table = (struct area_table){.arena = arena, .lock = PTHREAD_MUTEX_INITIALIZER};
    table->heads = mmap(NULL, ((1u << HASH_BITS) + header->area_max + 1ul) * sizeof table->heads[0], PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (table->heads == MAP_FAILED)
        return -errno;
    table->next = table->heads + (1u << HASH_BITS);
    error = slots_open(&table->slots, &header->area_used, header->area_max);
    for (uint32_t i = header->area_used; i && !error; i--) {
        if (arena->areas[i].number && area_damage(arena, i)) {
            log_line(LOG_WARN, "takeover: locks and notices of inode %llu are damaged: who opens it from now on has others",
                     (unsigned long long)arena->areas[i].number);
            atomic_store(&arena->areas[i].number, 0);
        }
        if (arena->areas[i].number)
            link_area(table, i);
        else
            slots_give(&table->slots, i);
    }
    return error;
}

/* The lock is held. */
static uint32_t find(const struct area_table *table, uint64_t number, uint64_t generation)
{
    uint32_t i = table->heads[bucket(number)];

    while (i && (table->arena->areas[i].number != number || table->arena->areas[i].generation != generation))
        i = table->next[i];
    return i;
}

static bool has_too_many(const struct area_table *table, uint32_t user)
{
    uint32_t count = 0;

    for (uint32_t i = table->arena->header->area_used; i && user; i--)
        count += table->arena->areas[i].number && table->arena->areas[i].user == user;
    return count >= table->arena->header->area_max / 2;
}

static int make(struct area_table *table, uint64_t number, uint64_t generation, uint32_t user, uint32_t *index)
{
    struct area *area;
    uint64_t tokens[3][2];

    if (has_too_many(table, user))
        return -EDQUOT;
    if (getrandom(tokens, sizeof tokens, 0) != sizeof tokens)
        return -EAGAIN;
    *index = slots_take(&table->slots);
    if (!*index)
        return -ENOSPC;
    area = &table->arena->areas[*index];
    memcpy(area->tokens, tokens, sizeof tokens);
    memset(table->arena->area_bytes + (size_t)*index * AREA_BYTES, 0, AREA_BYTES);
    area->generation = generation;
    area->user = user;
    area->notices = 0;
    memset(area->granted, 0, sizeof area->granted);
    area->incarnation = (area->incarnation + 1) & AREA_INCARNATIONS;
    atomic_store(&area->number, number);
    link_area(table, *index);
    return 0;
}

int area_of(struct area_table *table, uint64_t number, uint64_t generation, uint32_t user, uint32_t *area)
{
    int error = 0;

    pthread_mutex_lock(&table->lock);
    *area = find(table, number, generation);
    if (!*area)
        error = make(table, number, generation, user, area);
    pthread_mutex_unlock(&table->lock);
    return error;
}

uint64_t area_notices(struct area_table *table, uint64_t number, uint64_t generation, uint32_t more)
{
    uint64_t notices = 0;
    uint32_t area;

    pthread_mutex_lock(&table->lock);
    area = find(table, number, generation);
    if (area)
        notices = atomic_fetch_add(&table->arena->areas[area].notices, more) + more;
    pthread_mutex_unlock(&table->lock);
    return notices;
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
        unlink_area(table, area);
        atomic_store(&table->arena->areas[area].number, 0);
        slots_give(&table->slots, area);
    }
    pthread_mutex_unlock(&table->lock);
}

/* The lock is held. */
static bool is_granted(const struct area *area, uint32_t user)
{
    for (uint32_t i = 0; i < AREA_GRANTS; i++) {
        if (area->granted[i] == user + 1)
            return true;
    }
    return false;
}

void area_grant(struct area_table *table, uint32_t number, uint32_t user)
{
    struct area *area = &table->arena->areas[number];

    pthread_mutex_lock(&table->lock);
    if (!is_granted(area, user))
        area->granted[area->next_grant++ % AREA_GRANTS] = user + 1;
    pthread_mutex_unlock(&table->lock);
}

bool area_is_granted(struct area_table *table, uint32_t number, uint32_t user)
{
    bool granted;

    pthread_mutex_lock(&table->lock);
    granted = is_granted(&table->arena->areas[number], user);
    pthread_mutex_unlock(&table->lock);
    return granted;
}

void area_name(struct area_table *table, struct area_part part, char name[AREA_NAME_MAX])
{
    static const char letters[] = {[MAPSHARE_ABI_BOARD] = 'b', [MAPSHARE_ABI_LOCKS] = 'l', [MAPSHARE_ABI_EVENTS] = 'e'};
    const uint64_t *token = table->arena->areas[part.area].tokens[part.kind];

    snprintf(name, AREA_NAME_MAX, MAPSHARE_AREA_PREFIX "%c%x-%016llx%016llx", letters[part.kind], part.area,
             (unsigned long long)token[0], (unsigned long long)token[1]);
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
    part.kind = kind == 'l' ? MAPSHARE_ABI_LOCKS : kind == 'e' ? MAPSHARE_ABI_EVENTS : MAPSHARE_ABI_BOARD;
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
    return NODE_MARK | (uint64_t)part.kind << NODE_KIND_SHIFT | (uint64_t)table->arena->areas[part.area].incarnation << 16 |
           part.area;
}

struct area_part area_of_node(struct area_table *table, uint64_t node)
{
    struct area_part part = {.area = node & 0xffff, .kind = node >> NODE_KIND_SHIFT & NODE_KIND_MASK};

    part = check(table, part);
    return part.area && part.kind <= MAPSHARE_ABI_EVENTS && area_node(table, part) == node ? part : (struct area_part){0};
}

size_t area_size(uint32_t kind)
{
    static const size_t sizes[] = {[MAPSHARE_ABI_BOARD] = MAPSHARE_ABI_BOARD_BYTES,
                                   [MAPSHARE_ABI_LOCKS] = MAPSHARE_ABI_LOCKS_BYTES,
                                   [MAPSHARE_ABI_EVENTS] = 0};

    return sizes[kind];
}

unsigned char *area_bytes(struct area_table *table, struct area_part part)
{
    return table->arena->area_bytes + (size_t)part.area * AREA_BYTES +
           (part.kind == MAPSHARE_ABI_LOCKS ? MAPSHARE_ABI_BOARD_BYTES : 0);
}
