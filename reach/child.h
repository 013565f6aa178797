/* Programs and functions that may hang, in processes of their own. */
#ifndef REACH_CHILD_H
#define REACH_CHILD_H

#include "standby.h"

/* Ends with us, and is the first of a process group; the last argument is NULL. -errno. */
pid_t child_start(const struct standby *standby, const char *const *arguments);
/* Runs it to its end. Its exit status; -ETIMEDOUT: it was killed after `until`; -EINTR: a signal ended it; -ETIME: so did the lease's end. */
int child_run(struct standby *standby, const char *const *arguments, int64_t until);
/* The same for a function, whose result is the exit status. */
int child_call(struct standby *standby, int (*function)(const struct standby *), int64_t until);

#endif
