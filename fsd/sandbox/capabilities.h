/* Capabilities as sets of bits. */
#ifndef SANDBOX_CAPABILITIES_H
#define SANDBOX_CAPABILITIES_H

#include <linux/capability.h>
#include <stdint.h>

#define CAPABILITY(number) (1ull << (number))

/* For good, and whatever is executed: no others than these, and those that are only for now. 0 or -errno. */
int capabilities_keep(uint64_t set, uint64_t for_now);
/* No others than these any more. 0 or -errno. */
int capabilities_drop_others(uint64_t set);
/* What is executed next has those that we have. */
void capabilities_hand_on(void);
/* Of this thread: those that count now, among those that it has. 0 or -errno. */
int capabilities_use(uint64_t set);

#endif
