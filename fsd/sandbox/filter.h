/* The system calls that each role makes; all others are refused. */
#ifndef SANDBOX_FILTER_H
#define SANDBOX_FILTER_H

#include "sandbox/sandbox.h"

/* From now on, for all threads, and for ever. 0 or -errno. */
int filter_install(enum sandbox_role role);

#endif
