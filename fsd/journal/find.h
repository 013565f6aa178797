/* Finds the files of an image in the store, and opens them for writing once more verified.
 *
 * In the store that the journal belongs to, a file is who it is: number, birth or handle; paths, handle and at last a walk of the whole
 * store only lead to it. In a copy it is what its path says, followed through all changes of names, and it must have the owner that it
 * had. What is not found was removed only if the folder of removed files says so, or if the commit itself says that it had no name. */
#ifndef JOURNAL_FIND_H
#define JOURNAL_FIND_H

#include "journal/image.h"

struct find {
    int store;
    int folder; /* the private one */
    bool copy;  /* no identity in the log holds */
    bool handles;
    dev_t device;
    int removed; /* the folder of removed files; negative: there is none */
};

int find_begin(struct find *find, int store, int folder, bool copy);
/* The same, to look only: nothing is made in the store. */
int find_begin_to_look(struct find *find, int store, int folder, bool copy);
void find_end(struct find *find);

/* Each file's fate, and of those that are found the names where they are. 0 or -errno. */
int find_all(struct find *find, struct image *image);
/* Opens a file by one of its names, for writing. -ESTALE: it has changed since; -EPERM: it belongs to another user than it did. */
int find_open(const struct find *find, const struct image_file *file, const char *path, int *fd_out);
/* After the journal was emptied nobody asks any more which files were removed. */
void find_forget_removed(const struct find *find);

#endif
