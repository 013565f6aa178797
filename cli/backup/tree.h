/* The list's tree, made of the copied files. */
#ifndef CLI_BACKUP_TREE_H
#define CLI_BACKUP_TREE_H

#include "backup/job.h"

/* Gives the objects the times of the list, before the journal's commits give them theirs. */
int backup_set_times(struct backup *backup);
/* Makes the list's tree in the target. */
int backup_make_tree(struct backup *backup);

#endif
