/* Which files have something to commit, and which have something committed: two lists, which hold what is on them. */
#ifndef FILE_LISTS_H
#define FILE_LISTS_H

#include "file/file.h"

void lists_open(struct files *files);
/* Puts the file on the list, or takes it off. Its lock is held, and who takes it off has a reference of its own. */
void list_set(struct files *files, struct file_index *index, enum file_list_name name, bool on);

/* Up to `most` numbers of files on a list, the longest on it first, each held for the caller; they go to the list's end, so that one whose
 * turn comes to nothing is in nobody's way. How many. */
typedef bool list_filter(const struct files *files, struct file_index *index, int64_t argument);
uint32_t list_take(struct files *files, enum file_list_name name, uint32_t *numbers, uint32_t most, list_filter *wanted,
                   int64_t argument);
uint32_t list_length(struct files *files, enum file_list_name name);
bool list_is_empty(struct files *files, enum file_list_name name);

#endif
