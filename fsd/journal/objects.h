/* Replay of a copied log into copies of files that lie in one folder, each under the name of its identity (identity_name). */
#ifndef JOURNAL_OBJECTS_H
#define JOURNAL_OBJECTS_H

#include "journal/recover.h"

/* What is not in the folder was removed. The log must be whole up to `end`: -EBADMSG. Not durable on return. */
int objects_replay(struct store *store, int log, uint64_t end, int objects, struct recover_report *report);

#endif
