/* Checkpoint: committed frames go to the store's files, sorted and coalesced; then their journal space is free (invariant 4).
 *
 * One round at a time, by one thread. A round takes the files that were committed longest ago.
 */
#ifndef FILE_CHECKPOINT_H
#define FILE_CHECKPOINT_H

#include "file/file.h"

/* Rounds until everything committed is in the store, or one fails. Returns its -errno. */
int checkpoint_all(struct files *files);

/* Whether half the journal is in use: the thread that does rounds is woken then. */
bool checkpoint_is_due(struct files *files);

/* The thread that does rounds when space runs short or time has passed; returns when wishes_stop(). */
void *checkpoint_thread(void *files);

#endif
