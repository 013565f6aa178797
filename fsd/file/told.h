/* What the kernel was told of a file's attributes, and keeps. When they change it must be told, once, that this is void: which holds, too, for an answer
 * that was given before and is not heard yet. Also where it asked for the change: what it keeps it would show until the caller has heard the answer, to
 * somebody who has asked us meanwhile and knows better. */
#ifndef FILE_TOLD_H
#define FILE_TOLD_H

#include "file/file.h"

/* A question is answered with these blocks, and all else as it is now. Whether the kernel may keep the answer. The file's lock is held. */
bool told_may_keep(struct files *files, struct file_index *index, blkcnt_t blocks, const struct file_question *question);
/* A checkpoint has brought the file to the store, open at `fd`: where other blocks were told, `files->attributes_changed` is called. */
void told_settle(struct files *files, struct file_index *index, int fd);

#endif
