/* The journal becomes longer where changes need it. */
#ifndef FILE_ROOM_H
#define FILE_ROOM_H

#include "file/file.h"

/* For the thread of checkpoints, when the tail has moved. `half_used`: what the store has not takes half of the journal. */
void room_make(struct files *files, bool half_used);
/* For the leader, whose commit of so many pages is too large; waits for checkpoints. True: the journal is longer now. */
bool room_wait(struct files *files, uint64_t pages);

#endif
