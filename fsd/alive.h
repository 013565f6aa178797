/* Whether a thread gets on: each serving thread, and the flusher, has a word in the arena that the keeper's watchdog reads. Odd: at work.
 * While it does not change, the thread has not got on. */
#ifndef ALIVE_H
#define ALIVE_H

#include <stdatomic.h>
#include <stdint.h>

extern _Thread_local _Atomic uint32_t *alive_word;

static inline void alive_change(uint32_t by)
{
    if (alive_word)
        atomic_store_explicit(alive_word, atomic_load_explicit(alive_word, memory_order_relaxed) + by, memory_order_relaxed);
}

static inline void alive_begin(void)
{
    alive_change(1);
}

static inline void alive_end(void)
{
    alive_change(1);
}

/* Of who waits for a thing that may take long, and looks again. */
static inline void alive_still(void)
{
    alive_change(2);
}

#endif
