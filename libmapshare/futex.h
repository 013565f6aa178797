/* futex(2), which the C library has no wrapper for. */
#ifndef LIBMAPSHARE_FUTEX_H
#define LIBMAPSHARE_FUTEX_H

#include <errno.h>
#include <linux/futex.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Until the word is not `value`, somebody wakes, or the moment of CLOCK_MONOTONIC has come (by this operation alone is a moment, not a
 * duration, given). 0 or -errno, which may be -EAGAIN, -EINTR, -ETIMEDOUT. */
static inline int futex_wait(void *word, uint32_t value, const struct timespec *until)
{
    return syscall(SYS_futex, word, FUTEX_WAIT_BITSET, value, until, NULL, FUTEX_BITSET_MATCH_ANY) ? -errno : 0;
}

static inline void futex_wake(void *word, int count)
{
    syscall(SYS_futex, word, FUTEX_WAKE, count, NULL, NULL, 0);
}

#endif
