/* Who may hold a file's record, and when it begins and ends: one birth, counted references, one death.
 *
 * A file's record hangs on its inode's: each names the other, and a takeover keeps one only where both do (invariant 13). Its references
 * are the inode's: the kernel's lookups, and holds of the lists that it is on, of commits, groups, waits, checkpoints and open handles.
 */
#ifndef FILE_RECORD_H
#define FILE_RECORD_H

#include "file/file.h"

/* The file of an inode; made when `make`. 0: none, or none can be made (-errno in *error). The caller's reference of the inode goes for the
 * file as well. */
uint32_t file_of(struct files *files, uint32_t inode, bool make, int *error);
/* The store's file's descriptor, one for writing when the file has frames in this state. */
int file_open(struct files *files, struct file_index *index, enum frame_state state, struct descriptor **descriptor);
/* Whether the journal has, or is about to have, a commit of the inode's; true where that is not known. */
bool file_is_in_journal(struct files *files, uint32_t inode);

/* For takeover.c: the records that are named back stay, the others' slots are free. Returns how many were dropped. */
uint32_t records_take_over(struct files *files);
/* Clears a record's private half. */
void file_index_start(struct file_index *index);

#endif
