/* Free places of a table in the arena: those given back, then those never used. The owner's lock guards it. */
#ifndef CACHE_SLOTS_H
#define CACHE_SLOTS_H

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>

struct slots {
    _Atomic uint32_t *used; /* in the arena: the highest index ever taken */
    uint32_t max;
    uint32_t count;
    uint32_t *free;
};

static inline int slots_open(struct slots *slots, _Atomic uint32_t *used, uint32_t max)
{
    void *stack =
        mmap(NULL, (size_t)max * sizeof(uint32_t), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (stack == MAP_FAILED)
        return -errno;
    *slots = (struct slots){.used = used, .max = max, .free = stack};
    return 0;
}

/* An index from 1, or 0 when the table is full. */
static inline uint32_t slots_take(struct slots *slots)
{
    uint32_t used;

    if (slots->count)
        return slots->free[--slots->count];
    used = atomic_load(slots->used);
    if (used == slots->max)
        return 0;
    atomic_store(slots->used, used + 1);
    return used + 1;
}

static inline uint32_t slots_in_use(const struct slots *slots)
{
    return atomic_load(slots->used) - slots->count;
}

static inline void slots_give(struct slots *slots, uint32_t slot)
{
    slots->free[slots->count++] = slot;
}

#endif
