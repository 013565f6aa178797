/* What the kernel was told of a file's attributes, and keeps. It knows of what it asked for itself: not of pages that it writes back, and not of blocks
 * that a checkpoint takes or gives back. Then it must be told, once, that what it keeps is void: which holds, too, for an answer that was given before
 * and is not heard yet. */
#ifndef FILE_TOLD_H
#define FILE_TOLD_H

#include "file/file.h"

/* A question is answered with these blocks, and all else as it is now. Whether the kernel may keep the answer. The file's lock is held. */
bool told_may_keep(struct files *files, struct file_index *index, blkcnt_t blocks, const struct file_question *question);
/* A checkpoint has brought the file to the store, open at `fd`: where other blocks were told, `files->attributes_changed` is called. */
void told_settle(struct files *files, struct file_index *index, int fd);

#endif
