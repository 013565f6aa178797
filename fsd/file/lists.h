/* Which files have something to commit, and which have something committed: two lists, which hold what is on them. */
#ifndef FILE_LISTS_H
#define FILE_LISTS_H

#include "file/file.h"

void lists_open(struct files *files);
/* The file's lock is held, and who takes a file off a list has a reference of its own. */
void list_changed(struct files *files, struct file_index *index, bool on);
void list_checkpoint(struct files *files, struct file_index *index, bool on);

/* Up to `most` numbers of files on a list, the longest on it first, each held for the caller; they go to the list's end, so that one whose
 * turn comes to nothing is in nobody's way. How many. */
typedef bool list_filter(const struct files *files, struct file_index *index, int64_t argument);
uint32_t list_changed_take(struct files *files, uint32_t *numbers, uint32_t most, list_filter *wanted, int64_t argument);
uint32_t list_checkpoint_take(struct files *files, uint32_t *numbers, uint32_t most, list_filter *wanted, int64_t argument);
bool list_checkpoint_is_empty(struct files *files);

#endif
