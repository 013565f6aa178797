/* Walks the whole store for files that nothing else leads to. */
#ifndef JOURNAL_WALK_H
#define JOURNAL_WALK_H

#include "journal/image.h"

/* A regular file of the store has the inode number of this file of the image. `fd` is O_PATH. 1: it is the file; 0: it is not; -errno. */
typedef int (*walk_found)(void *context, struct image *image, struct image_file *file, int fd, const char *path);

/* Until so many are found, or to the end. 0 or -errno. */
int walk_store(int store, struct image *image, uint64_t wanted, walk_found found, void *context);

#endif
