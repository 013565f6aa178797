/* Streams: received pages that are journaled ahead of their commit, as DATA chunks that its COMMIT chunk names.
 *
 * While chunks are written their pages may not change (invariant 5): a lock of this floor, taken before a file's, is shared by those who
 * write them, and held alone by those who let a stream go.
 */
#ifndef FILE_AHEAD_H
#define FILE_AHEAD_H

#include "file/file.h"

int ahead_open(struct files *files);

/* Journal some of a file's received pages, whoever asked for their commit or did not. */
void ahead_journal(struct files *files, uint32_t file);
/* Whether a serving thread, after its answer to a WRITE, shall do that now: there are many pages, and no more than half of the threads do,
 * since it takes as long as the disk takes for 4 MiB. True: ahead_of_commit must follow. */
bool ahead_claim(struct files *files, uint32_t file);
void ahead_of_commit(struct files *files, uint32_t file);

/* What was journaled ahead of all files' commits gives its room back: abandoned chunks behind the last commit would fill the journal for ever.
 * Streams that are still open are journaled again by their commits, which see the new epoch. */
void ahead_roll_back(struct files *files);
/* Streams of commits that do not come hold the journal's tail: all are let go. */
void ahead_abandon_all(struct files *files);
/* Locks the file; what was journaled ahead of its next commit is let go, and its pages are received again. */
void ahead_abandon_file(struct files *files, struct file_index *index);
/* Locks the file for its commit: the stream is let go where the commit cannot name it: a truncation hit it, or it holds the tail and other
 * commits came after its first chunk, so that together with a commit of `pages` they may fill the journal, which nothing could then empty. */
void ahead_lock_for_commit(struct files *files, struct file_index *index, uint32_t pages);
/* The commit that names the stream was made, or failed (then the caller holds the lock of ahead_alone). The file's lock is held. */
void ahead_end(struct file_index *index);
void ahead_alone(struct files *files);
void ahead_not_alone(struct files *files);

/* How many pages one commit can have, those journaled ahead of it included: half the journal, so that the next one fits beside it; nearly
 * all of it for one that may not be divided. */
uint32_t ahead_pages_limit(const struct files *files, bool divisible);

#endif
