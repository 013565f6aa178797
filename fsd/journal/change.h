/* Changes of names: recorded in the log before they are made, counted in the store after (see format.h). */
#ifndef JOURNAL_CHANGE_H
#define JOURNAL_CHANGE_H

#include "journal/journal.h"

/* Opens the count. 0 or -errno. */
int change_open(struct journal *journal, int private_folder, bool fresh);
/* A change that was recorded by a worker that died over it, or that was not made: a COMMIT behind it would say that it was. */
int change_settle(struct journal *journal);
/* A commit's paths may be by changes that the log does not tell of: they are made durable first. */
int change_sync_untold(struct journal *journal);
/* Before the tail moves on: what the log will not tell of any more is made durable. */
int change_sync_told(struct journal *journal);

#endif
