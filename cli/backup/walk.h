/* Walking the store. */
#ifndef CLI_BACKUP_WALK_H
#define CLI_BACKUP_WALK_H

#include "backup/job.h"

/* What is in the store and not among the objects is copied there. With `lists` all names go to the list. *copied: how many files were. */
int backup_walk(struct backup *backup, bool lists, uint64_t *copied);

#endif
