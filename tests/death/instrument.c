/* What the compiler calls for -fsanitize=thread, in place of libtsan: each store and each atomic operation of the daemon's. */
#include "config.h"

#include <stdint.h>

#include "runtime.h"

#define HERE __builtin_extract_return_addr(__builtin_return_address(0))

static void about_to_store(const volatile void *memory, const void *where)
{
    if (death_outlives((const void *)memory))
        death_point("store", (const void *)memory, where);
}

void __tsan_init(void);
void __tsan_func_entry(void *caller);
void __tsan_func_exit(void);
void __tsan_read_range(void *memory, unsigned long bytes);
void __tsan_write_range(void *memory, unsigned long bytes);
void __tsan_atomic_thread_fence(int order);
void __tsan_atomic_signal_fence(int order);

void __tsan_init(void)
{
}

void __tsan_func_entry(void *caller)
{
    death_enter(caller);
}

void __tsan_func_exit(void)
{
    death_leave();
}

void __tsan_read_range(void *memory, unsigned long bytes)
{
    (void)memory, (void)bytes;
}

void __tsan_write_range(void *memory, unsigned long bytes)
{
    (void)bytes;
    about_to_store(memory, HERE);
}

void __tsan_atomic_thread_fence(int order)
{
    (void)order;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void __tsan_atomic_signal_fence(int order)
{
    (void)order;
}

#define PLAIN(name)                        \
    void __tsan_read##name(void *memory);  \
    void __tsan_write##name(void *memory); \
    void __tsan_read##name(void *memory)   \
    {                                      \
        (void)memory;                      \
    }                                      \
    void __tsan_write##name(void *memory)  \
    {                                      \
        about_to_store(memory, HERE);      \
    }

#define UNALIGNED(size)                              \
    void __tsan_unaligned_read##size(void *memory);  \
    void __tsan_unaligned_write##size(void *memory); \
    void __tsan_unaligned_read##size(void *memory)   \
    {                                                \
        (void)memory;                                \
    }                                                \
    void __tsan_unaligned_write##size(void *memory)  \
    {                                                \
        about_to_store(memory, HERE);                \
    }

PLAIN(1)
PLAIN(2)
PLAIN(4)
PLAIN(8)
PLAIN(16)
UNALIGNED(2)
UNALIGNED(4)
UNALIGNED(8)
UNALIGNED(16)

/* The order asked for is at most this one. */
#define ORDER __ATOMIC_SEQ_CST

#define CHANGE(bits, name)                                                                                         \
    uint##bits##_t __tsan_atomic##bits##_##name(volatile uint##bits##_t *memory, uint##bits##_t value, int order); \
    uint##bits##_t __tsan_atomic##bits##_##name(volatile uint##bits##_t *memory, uint##bits##_t value, int order)  \
    {                                                                                                              \
        (void)order;                                                                                               \
        about_to_store(memory, HERE);                                                                              \
        return __atomic_##name(memory, value, ORDER);                                                              \
    }

#define COMPARE(bits, strength, weak)                                                                                \
    int __tsan_atomic##bits##_compare_exchange_##strength(volatile uint##bits##_t *memory, uint##bits##_t *expected, \
                                                          uint##bits##_t value, int order, int failed);              \
    int __tsan_atomic##bits##_compare_exchange_##strength(volatile uint##bits##_t *memory, uint##bits##_t *expected, \
                                                          uint##bits##_t value, int order, int failed)               \
    {                                                                                                                \
        (void)order, (void)failed;                                                                                   \
        about_to_store(memory, HERE);                                                                                \
        return __atomic_compare_exchange_n(memory, expected, value, weak, ORDER, ORDER);                             \
    }

#define ATOMIC(bits)                                                                                                 \
    uint##bits##_t __tsan_atomic##bits##_load(const volatile uint##bits##_t *memory, int order);                     \
    uint##bits##_t __tsan_atomic##bits##_load(const volatile uint##bits##_t *memory, int order)                      \
    {                                                                                                                \
        (void)order;                                                                                                 \
        return __atomic_load_n(memory, ORDER);                                                                       \
    }                                                                                                                \
    void __tsan_atomic##bits##_store(volatile uint##bits##_t *memory, uint##bits##_t value, int order);              \
    void __tsan_atomic##bits##_store(volatile uint##bits##_t *memory, uint##bits##_t value, int order)               \
    {                                                                                                                \
        (void)order;                                                                                                 \
        about_to_store(memory, HERE);                                                                                \
        __atomic_store_n(memory, value, ORDER);                                                                      \
    }                                                                                                                \
    uint##bits##_t __tsan_atomic##bits##_exchange(volatile uint##bits##_t *memory, uint##bits##_t value, int order); \
    uint##bits##_t __tsan_atomic##bits##_exchange(volatile uint##bits##_t *memory, uint##bits##_t value, int order)  \
    {                                                                                                                \
        (void)order;                                                                                                 \
        about_to_store(memory, HERE);                                                                                \
        return __atomic_exchange_n(memory, value, ORDER);                                                            \
    }                                                                                                                \
    CHANGE(bits, fetch_add)                                                                                          \
    CHANGE(bits, fetch_sub)                                                                                          \
    CHANGE(bits, fetch_and) CHANGE(bits, fetch_or) CHANGE(bits, fetch_xor) COMPARE(bits, strong, 0) COMPARE(bits, weak, 1)

ATOMIC(8) ATOMIC(16) ATOMIC(32) ATOMIC(64)
