/* Arrays that grow. */
#ifndef JOURNAL_GROW_H
#define JOURNAL_GROW_H

#include <stdbool.h>
#include <stdlib.h>

/* `array` is the address of the pointer. False: no memory, and nothing has changed. */
static inline bool grow(void *array, size_t *capacity, size_t wanted, size_t size)
{
    void **old = array;
    if (wanted <= *capacity)
        return true;
    size_t larger = wanted > 2 * *capacity ? wanted : 2 * *capacity;
    void *new = reallocarray(*old, larger, size);
    if (new == NULL)
        return false;
    *old = new;
    *capacity = larger;
    return true;
}

#endif
