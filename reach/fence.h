/* Shutting out who had the store before. */
#ifndef REACH_FENCE_H
#define REACH_FENCE_H

#include "standby.h"

/* Shuts out all who may have the store open, and proves it by having its lock. 0, or -errno after a message. */
int fence_others(struct standby *standby);
/* The proof that nobody here has the store open since before we were shut out. */
int fence_prove(struct standby *standby);

#endif
