/* How much memory and disk a mount takes, where the options do not say, and whether the limits of the process allow it. */
#ifndef PROCESS_SIZES_H
#define PROCESS_SIZES_H

#include "process/daemon.h"

/* Raises the process's limits as far as it may. First of all. */
void sizes_raise_limits(void);
/* Fills in cache_size and journal_size. 0, or -errno after a message. */
int sizes_choose(struct options *options, const struct daemon *daemon);
/* Makes the spill file and the arena. 0, or -errno after a message. */
int sizes_make_arena(struct daemon *daemon);

#endif
