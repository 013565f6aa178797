/* Sweeping the folder of removed files: a name goes there when nobody refers to its inode and the journal has none of its commits. */
#ifndef FILE_SWEEP_H
#define FILE_SWEEP_H

#include "file/file.h"

/* Of a takeover: what is in the folder is not known. */
int sweep_open(struct files *files);
/* A file was put there. */
void sweep_later(struct files *files);
/* A step, when the tail may have moved. For the one thread that does rounds. */
void sweep(struct files *files);
/* At the end, when the journal is empty: nothing is left. */
void sweep_all(struct files *files);

#endif
