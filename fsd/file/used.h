/* How many blocks a file takes, as it will be once all its pages are in the store's file: the store's own number, and what the frames that
 * readers see will add to it or give back. The file's lock is held. */
#ifndef FILE_USED_H
#define FILE_USED_H

#include "file/file.h"

/* The frame comes into readers' view. `backed`: its page is known to have blocks in the store's file, since what it replaces has. */
void used_enter(struct files *files, struct file_index *index, struct frame_index *frame, bool backed);
void used_leave(struct file_index *index, struct frame_index *frame);
/* The store's file got blocks for its page. */
void used_reserved(struct file_index *index, struct frame_index *frame);
/* Where the store's file has blocks, from its descriptor, if that is not known yet. */
void used_learn(struct files *files, struct file_index *index, int fd);
blkcnt_t used_blocks(struct files *files, struct file_index *index, const struct stat *store);

#endif
