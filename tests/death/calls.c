/* Stands between the daemon and the calls that answer the kernel or change something outside, and the copies to memory that outlives
 * it. */
#include "config.h"

#include <stddef.h>
#include <sys/mman.h>
#include <sys/types.h>

#include "runtime.h"

#define HERE __builtin_extract_return_addr(__builtin_return_address(0))

/* Each has at most six arguments that go in registers, so one shape does for all; CALLS comes from the Makefile, which tells the
 * linker the same list. */
#define CALL(name)                                                     \
    long __real_##name(long, long, long, long, long, long);            \
    long __wrap_##name(long, long, long, long, long, long);            \
    long __wrap_##name(long a, long b, long c, long d, long e, long f) \
    {                                                                  \
        long result;                                                   \
                                                                       \
        death_point("before " #name, NULL, HERE);                      \
        result = __real_##name(a, b, c, d, e, f);                      \
        death_point("after " #name, NULL, HERE);                       \
        return result;                                                 \
    }

CALLS

void *__real_mmap(void *at, size_t bytes, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t bytes, int protection, int flags, int fd, off_t offset);
void *__real_memcpy(void *to, const void *from, size_t bytes);
void *__wrap_memcpy(void *to, const void *from, size_t bytes);
void *__real_memmove(void *to, const void *from, size_t bytes);
void *__wrap_memmove(void *to, const void *from, size_t bytes);
void *__real_memset(void *to, int byte, size_t bytes);
void *__wrap_memset(void *to, int byte, size_t bytes);
char *__real_strncpy(char *to, const char *from, size_t bytes);
char *__wrap_strncpy(char *to, const char *from, size_t bytes);

void *__wrap_mmap(void *at, size_t bytes, int protection, int flags, int fd, off_t offset)
{
    void *memory = __real_mmap(at, bytes, protection, flags, fd, offset);

    if (memory != MAP_FAILED && flags & MAP_SHARED && protection & PROT_WRITE) /* a dead worker's rings are only looked at */
        death_mapped(memory, bytes);
    return memory;
}

void *__wrap_memcpy(void *to, const void *from, size_t bytes)
{
    size_t half = bytes / 2;

    if (!death_outlives(to))
        return __real_memcpy(to, from, bytes);
    death_point("store", to, HERE);
    __real_memcpy(to, from, half);
    death_point("half of a copy", to, HERE);
    __real_memcpy((char *)to + half, (const char *)from + half, bytes - half);
    return to;
}

void *__wrap_memmove(void *to, const void *from, size_t bytes)
{
    if (death_outlives(to))
        death_point("store", to, HERE);
    return __real_memmove(to, from, bytes);
}

void *__wrap_memset(void *to, int byte, size_t bytes)
{
    size_t half = bytes / 2;

    if (!death_outlives(to))
        return __real_memset(to, byte, bytes);
    death_point("store", to, HERE);
    __real_memset(to, byte, half);
    death_point("half of a copy", to, HERE);
    __real_memset((char *)to + half, byte, bytes - half);
    return to;
}

char *__wrap_strncpy(char *to, const char *from, size_t bytes)
{
    if (death_outlives(to))
        death_point("store", to, HERE);
    return __real_strncpy(to, from, bytes);
}
