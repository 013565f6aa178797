/* The journal becomes longer where changes need it. */
#ifndef FILE_ROOM_H
#define FILE_ROOM_H

#include "file/file.h"

/* For the thread of checkpoints, when the tail has moved. */
void room_make(struct files *files);
/* For the leader, whose commit of so many pages is too large; waits for checkpoints. True: the journal is longer now. */
bool room_wait(struct files *files, uint64_t pages);

#endif
