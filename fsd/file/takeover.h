/* Open the files' floor over an arena: empty, or as a dead worker left it. Index is rebuilt from truth in one scan. */
#ifndef FILE_TAKEOVER_H
#define FILE_TAKEOVER_H

#include "file/file.h"

/* All pointers of `files` down to `journal` are set by the caller. `committed` is called after each commit, without locks. */
int files_open(struct files *files, void (*committed)(void *context, uint32_t file), void *context);

#endif
