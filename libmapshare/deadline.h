/* Moments of CLOCK_MONOTONIC. */
#ifndef LIBMAPSHARE_DEADLINE_H
#define LIBMAPSHARE_DEADLINE_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* -EINVAL: not a time. NULL is one: for ever. */
int mapshare_check_time(const struct timespec *time);
/* When it is over; what is too far is cut. */
struct timespec mapshare_deadline_in(const struct timespec *timeout);
struct timespec mapshare_earlier(const struct timespec *deadline, struct timespec other);
/* Nanoseconds from now on; 0: it has come; INT64_MAX for NULL. */
int64_t mapshare_time_left(const struct timespec *deadline);

#endif
