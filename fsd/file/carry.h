/* A file that cannot be stored does not hold up the journal, and with it all other files' commits: what is committed of it is committed once
 * more, at the journal's head, so that the tail can pass where it was. */
#ifndef FILE_CARRY_H
#define FILE_CARRY_H

#include "file/file.h"

/* For list_take: the journal's tail could move by more than half of what is `used`, but for this file. */
bool carry_is_due(const struct files *files, struct file_index *index, int64_t used);
/* Of a commit that is to carry the file, before it takes what was received: makes what is committed received again. The file's lock is held. Of
 * an atomic file with changes nothing can be carried. */
void carry_pages(struct files *files, struct file_index *index);

#endif
