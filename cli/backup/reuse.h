/* What the earlier backup has is used, not copied. */
#ifndef CLI_BACKUP_REUSE_H
#define CLI_BACKUP_REUSE_H

#include "backup/job.h"

/* Where the earlier backup has what this file of the store has, that is the object. 1: it is; 0: it is to be copied; -1. */
int backup_reuse(struct backup *backup, const struct statx *status, const char *object);
/* The object is the earlier backup's own file: nothing of it may be changed. */
bool backup_is_shared(const struct backup *backup, const char *object);
/* What is shared and is to be changed gets a file of its own. 0 or -errno. */
int backup_take_apart(struct backup *backup, const char *object);
/* The journal is to be replayed into it (objects_replay). */
int backup_note_replayed(void *context, const char *object);
bool backup_is_replayed(const struct backup *backup, const char *object);

#endif
