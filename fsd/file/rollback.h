/* The way back: a file becomes as its last commit left it, size, access and modification times included.
 *
 * FILE_ROLLING is set before the first change and cleared after the last: of a file that a dead worker left amid them the next one makes the same.
 * FILE_STALE is set with it: the kernel may have pages of what is gone. While it is set whoever opens the file has the kernel drop them; it ends
 * when that is known to have been done.
 */
#ifndef FILE_ROLLBACK_H
#define FILE_ROLLBACK_H

#include "file/file.h"

/* No commit of the file is being made: for the leader of commits (commit_waiter.rolls_back), and for unmounting. -EALREADY: nothing had changed, so
 * the kernel may keep its pages. */
int rollback_file(struct files *files, uint32_t file);
/* The kernel dropped its pages, or is about to. */
void rollback_seen(struct files *files, uint32_t file);
/* Of a takeover, once the file's frames are sorted; its lock is held. */
void rollback_go_on(struct files *files, struct file_index *index);

#endif
