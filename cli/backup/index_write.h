/* Telling the next backup what this one has. */
#ifndef CLI_BACKUP_INDEX_WRITE_H
#define CLI_BACKUP_INDEX_WRITE_H

#include "backup/job.h"

/* When the new backup's tree is made. 0, or -1 after a message. */
int backup_index_write(struct backup *backup);

#endif
