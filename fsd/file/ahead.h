/* Streams: received pages that are journaled ahead of their commit, as DATA chunks that its COMMIT chunk names.
 *
 * files->ahead_lock is held while chunks are written, shared by those who write them: their pages may not change meanwhile (invariant 5).
 */
#ifndef FILE_AHEAD_H
#define FILE_AHEAD_H

#include "file/file.h"

/* Journal some of a file's received pages, whoever asked for their commit or did not. */
void ahead_journal(struct files *files, uint32_t file);
/* Whether a serving thread, after its answer to a WRITE, shall do that now: there are many pages, and no more than half of the threads do,
 * since it takes as long as the disk takes for 4 MiB. True: ahead_of_commit must follow. */
bool ahead_claim(struct files *files, uint32_t file);
void ahead_of_commit(struct files *files, uint32_t file);
/* What was journaled ahead of all files' commits gives its room back: abandoned chunks behind the last commit would fill the journal for ever.
 * Streams that are still open are journaled again by their commits, which see the new epoch. */
void ahead_forget(struct files *files);
/* What was journaled ahead is forgotten; its pages are received again. ahead_lock, alone, and the file's lock are held. */
void ahead_abandon(struct files *files, struct file_index *index);

/* Locks the file so that its stream can be let go: not while pages are being journaled ahead. True: ahead_lock is held, alone. */
bool ahead_lock_file(struct files *files, struct file_index *index);
/* The file's own stream holds the tail, and other commits came after its first chunk: together with a commit of `pages` they may fill the
 * journal, which nothing could then empty. */
bool ahead_is_in_the_way(struct files *files, const struct file_index *index, uint32_t pages);
/* How many pages one commit can have, those journaled ahead of it included: half the journal, so that the next one fits beside it; nearly
 * all of it for one that may not be divided. */
uint32_t ahead_pages_limit(const struct files *files, bool divisible);

#endif
