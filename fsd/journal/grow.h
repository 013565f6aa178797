/* Arrays that grow. */
#ifndef JOURNAL_GROW_H
#define JOURNAL_GROW_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* `array` is the address of the pointer. False: no memory, and nothing has changed. */
static inline bool grow(void *array, size_t *capacity, size_t wanted, size_t size)
{
    void *memory;
    if (wanted <= *capacity)
        return true;
    size_t larger = wanted > 2 * *capacity ? wanted : 2 * *capacity;
    memcpy(&memory, array, sizeof(memory));
    memory = reallocarray(memory, larger, size);
    if (memory == NULL)
        return false;
    memcpy(array, &memory, sizeof(memory));
    *capacity = larger;
    return true;
}

#endif
