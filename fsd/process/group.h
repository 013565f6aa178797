/* The control group that we run in, of either version of cgroups(7). */
#ifndef PROCESS_GROUP_H
#define PROCESS_GROUP_H

#include <stdint.h>

/* The memory that its processes may have, bytes: the least limit from it up to the root. UINT64_MAX: none is known. */
uint64_t group_memory(void);

#endif
