/* Replay of a copied log into copies of files that lie in one folder, each under the name of its identity (identity_name). */
#ifndef JOURNAL_OBJECTS_H
#define JOURNAL_OBJECTS_H

#include "journal/recover.h"

/* Is called for each file before anything is written: 0, or -errno, which is returned. */
typedef int (*objects_prepare)(void *context, const char *object);

/* What is not in the folder was removed. The log must be whole up to `end`: -EBADMSG. Not durable on return. */
int objects_replay(struct store *store, int log, uint64_t end, int objects, objects_prepare prepare, void *context,
                   struct recover_report *report);

#endif
