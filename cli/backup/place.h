/* Where a backup goes: an empty folder, in which what is not complete is marked so. */
#ifndef CLI_BACKUP_PLACE_H
#define CLI_BACKUP_PLACE_H

#include "backup/job.h"

/* Opens the destination, makes it where it is not there, and marks it as incomplete. Nothing is changed where it is refused. */
int backup_place_begin(struct backup *backup);
/* What was copied, and has its names now, or none. */
int backup_place_drop_objects(struct backup *backup);
/* All is durable, then the mark goes. */
int backup_place_complete(struct backup *backup);
void backup_place_close(struct backup *backup);

#endif
