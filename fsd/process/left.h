/* An arena that outlived its processes (process/remains.h): where it lies, and whether it is what its store misses. For who mounts, and for the tool. */
#ifndef PROCESS_LEFT_H
#define PROCESS_LEFT_H

#include <limits.h>

#include "cache/arena.h"

/* Of the arena of this store, in its folder. `store`: its root. */
void left_path(int store, const char *folder, char path[PATH_MAX]);
/* The same where the last mount had it, as the store's lock says, whatever this one's options are; else in `folder`. False: in neither. */
bool left_find(int store, int lock, const char *folder, char path[PATH_MAX]);
/* What an arena of this store has as its origin now, but for the spill file's number. */
void left_origin(int store, struct arena_origin *origin);
/* Reads the header. Why it cannot be used: a sentence; NULL: it is of this store, nobody has used that since, and we know its layout. */
const char *left_fault(int store, int private_folder, int arena, struct arena_header *header);

#endif
