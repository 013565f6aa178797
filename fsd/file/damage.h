/* A file one of whose records in the arena is damaged (cache/damage.h): its inode's, its own, a frame's, a handle's. What of it is in the arena is
 * not believed any more: nothing is read from it, written to it or committed of it, and nothing goes to the store's file, until it is removed or
 * the mount ends; every sync of it tells (EUCLEAN). The others go on.
 *
 * Its commits are in the journal, whole and with sums of their own. They hold the journal's tail, so that the next mount brings them back, but
 * not at others' cost: they are given up when half the journal is used.
 */
#ifndef FILE_DAMAGE_H
#define FILE_DAMAGE_H

#include "file/file.h"

#define SEARCHES_MAX 256u /* of a takeover for owners of what is damaged: each looks at all records */

/* What is wrong with the file's own record: a few words; NULL: nothing. Its lock is held, or nobody else is there yet. */
const char *file_damage(struct files *files, uint32_t file);
/* The same of a frame's that is in use, as far as it tells without its file. */
const char *frame_damage(const struct files *files, const struct frame *frame);

/* The file is known as damaged from now on. Of a takeover, before it has an index, all else of its record becomes harmless. */
void damage_mark(struct files *files, uint32_t file, const char *what);
/* What follows from that: the file's lock is held, and a reference to its record. */
void damage_contain(struct files *files, struct file_index *index);
/* The same for a file that is served; a reference to its record is held. */
void damage_found(struct files *files, uint32_t file, const char *what);
/* The file was removed. Its lock is held. */
void damage_forget(struct files *files, struct file_index *index);
/* Where the journal's room is needed. */
void damage_give_up(struct files *files);

/* Of a takeover: the frame's, or handle's, record is damaged: it is free, and the file that it was of is marked, where that can be told. */
void damage_drop_frame(struct files *files, uint32_t frame, const char *what);
void damage_drop_handle(struct files *files, uint32_t handle, const char *what);

#endif
