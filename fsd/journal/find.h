/* Finds the files of an image in the store. A file is taken only if it is regular, on the store's device, below the store's root
 * but not in the private folder, reached without following a symbolic link, and has the inode number and time of birth that the
 * journal says. */
#ifndef JOURNAL_FIND_H
#define JOURNAL_FIND_H

#include "journal/image.h"

/* Sets the path of each file that takes part, or `missing`. Tries the path that the journal knows, then the handle, then walks the
 * whole store once for all files that are left. 0 or -errno. */
int find_all(int store_folder, struct image *image);
/* Opens a file that was found, for writing. -ENOENT: it has gone since. */
int find_open(int store_folder, const struct image_file *file, int *fd_out);

#endif
