/* What a program leaves to the one that is executed in its place: in a file in memory, whose descriptor is an argument of that. All else is in the
 * arena. */
#ifndef PROCESS_HANDOVER_H
#define PROCESS_HANDOVER_H

#include "process/daemon.h"

#define HANDOVER_MAGIC 0x7265766f646e6168ull
#define HANDOVER_FORMAT 1u /* of the structure, and of enum owned */

struct handover {
    uint64_t magic;
    uint32_t format, size;
    int owned[OWNED_COUNT];
    struct place place; /* in the current folder, which stays */
    bool store_marks, log_to_system;
    char program[PATH_MAX];
};

/* Its descriptor, or -errno. */
int handover_write(const struct daemon *daemon);
/* 0; -EPROTO: another version's; -errno. */
int handover_read(int fd, struct handover *handover);

#endif
