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

void reference_redo(const struct arena *arena)
{
    if (arena->header->redo.slot)
        apply(arena);
    atomic_store(&arena->header->redo.slot, 0);
}
