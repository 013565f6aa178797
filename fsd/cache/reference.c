#include "config.h"

#include "cache/reference.h"

static void apply(const struct arena *arena)
{
    const struct reference_redo *redo = &arena->header->redo;

    atomic_store_explicit(&arena->inodes[redo->slot].lookups, redo->lookups, memory_order_release);
    atomic_store_explicit((_Atomic uint32_t *)((char *)arena->header + redo->counter), redo->value, memory_order_release);
}

void reference_set(const struct arena *arena, uint32_t slot, uint64_t lookups, _Atomic uint32_t *counter, uint32_t value)
{
    struct reference_redo *redo = &arena->header->redo;

    redo->lookups = lookups;
    redo->counter = (char *)counter - (char *)arena->header;
    redo->value = value;
    atomic_store_explicit(&redo->slot, slot, memory_order_release);
    apply(arena);
    atomic_store_explicit(&redo->slot, 0, memory_order_release);
}

/* Of the effects or the arrivals, which lie behind each other. */
static bool is_counter(const struct arena *arena, uint64_t at)
{
    uint64_t first = (char *)arena->effects - (char *)arena->header, end = (char *)arena->areas - (char *)arena->header;

    return at >= first && at < end && at % sizeof(uint32_t) == 0;
}

void reference_redo(const struct arena *arena)
{
    const struct reference_redo *redo = &arena->header->redo;

    if (redo->slot && redo->slot <= arena->header->inode_used && is_counter(arena, redo->counter))
        apply(arena);
    atomic_store(&arena->header->redo.slot, 0);
}
