/* Copying a file. */
#ifndef CLI_BACKUP_COPY_H
#define CLI_BACKUP_COPY_H

#include "backup/job.h"

/* Copies what is open at `place` (O_PATH), whose path is for messages, to the object of this name. 1: it is gone. */
int backup_copy(struct backup *backup, int place, const char *path, const char *object);

/* The same from file to file. 0 or -errno. */
int backup_copy_content(struct backup *backup, int from, int to);

#endif
