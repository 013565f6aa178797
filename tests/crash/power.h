/* What the programs of power.sh share: the number of events of the disk, in memory that all map. */
#ifndef CRASH_POWER_H
#define CRASH_POWER_H

#include "../mount/check.h"

/* A disk's events so far: what a client reads before it asks for something is before what it asks for, and what it reads after the answer, after. */
typedef _Atomic uint64_t power_count;

static power_count *power_map(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    power_count *count;

    CHECK(fd >= 0 && ftruncate(fd, sizeof(*count)) == 0, "%s", path);
    count = map_shared(fd, sizeof(*count));
    close(fd);
    return count;
}

#endif
