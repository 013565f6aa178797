/* Moments: marks of files in one word each, and the monotonic clock in nanoseconds.
 *
 * A word has 34 bits of seconds, which span the same years as ext4's (1901 to 2446), and 30 bits of nanoseconds and 1: so that 0 is none.
 * Words compare as the moments do.
 */
#ifndef FILE_TIMES_H
#define FILE_TIMES_H

#include <stdint.h>
#include <time.h>

#define TIME_FIRST (-(1ll << 31)) /* seconds since 1970 */
#define TIME_LAST (TIME_FIRST + (1ll << 34) - 1)
#define TIME_MIDDLE (TIME_FIRST + (1ll << 33)) /* is 0 in the word */

int64_t time_now(void); /* CLOCK_REALTIME, a word */
/* A mark for a change made now, by the clock that the kernel stamps the store's objects with, so that what is made later never looks older; nor
 * is it earlier than `earlier`, the file's last mark (0: none), or any that was seen of the store. */
int64_t time_mark(int64_t earlier);
/* A client may have seen this mark of the store's. */
void time_seen(struct timespec mark);

int64_t time_coarse(void); /* clock_nanoseconds() to a few milliseconds, but cheap enough for each WRITE */

static inline int64_t time_pack(struct timespec at)
{
    if (at.tv_sec < TIME_FIRST)
        at = (struct timespec){.tv_sec = TIME_FIRST};
    if (at.tv_sec > TIME_LAST)
        at = (struct timespec){.tv_sec = TIME_LAST};
    return (at.tv_sec - TIME_MIDDLE) * (1ll << 30) + at.tv_nsec + 1;
}

static inline struct timespec time_unpack(int64_t word)
{
    if (!word)
        return (struct timespec){0};
    return (struct timespec){(word >> 30) + TIME_MIDDLE, (word & ((1 << 30) - 1)) - 1};
}

#endif
