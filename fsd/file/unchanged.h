/* Pages that were received with the very bytes that are committed: by a program that stores what is there, or by a kernel that sends all of a large
 * folio for one store. Where the committed frame is still in memory such a page need not be journaled again. */
#ifndef FILE_UNCHANGED_H
#define FILE_UNCHANGED_H

#include "file/file.h"

/* Frees the received frames of such pages; readers see the committed ones again, which are what a crash leaves. They count as committed. The file's
 * lock is held, and no commit of it is under way. */
void unchanged_drop(struct files *files, struct file_index *index);

#endif
