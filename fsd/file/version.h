/* A file's size and times, and what a truncation made void, at three moments: now, as of the commit that holds, and as of the one being
 * made. Everything of struct file but its flags and error, and struct file_versions, is changed here and nowhere else.
 *
 *  state        | commits[last]            | commits[!last]              | what a takeover makes of it
 *  -------------+--------------------------+-----------------------------+---------------------------------------------------------
 *  stored       | position 0               | position 0                  | the store's file is the last commit
 *  committed    | its place in the journal | position 0 or an older one  | the same
 *  begun        | either                   | position PENDING            | committed or stored: its truncation goes back to current
 *  placed       | either                   | a place behind the head     | the same
 *  durable      | either                   | a place before the head,    | the rest of version_publish(): it is the last commit
 *               |                          | later than `published`      |
 *
 *  begin: stored, committed → begun → place: placed → publish: committed
 *                               └──────┴─ abort: back
 *  stored: committed → stored, when all of it is in the store; `cut` by version_cut_done, when the store's file was cut
 *
 * A rollback makes `current` what commits[last] is, where none is begun.
 *
 * begun → durable is the journal's doing: one store publishes the commit of all its files.
 *
 * `void_from`: what was committed before, from this byte of the file on, does not count; UINT64_MAX: all counts. It wanders from current,
 * where a truncation leaves it, through the commit into `cut`, until a checkpoint has cut the store's file.
 *
 * All calls: the file's lock is held, and a reference to its record.
 */
#ifndef FILE_VERSION_H
#define FILE_VERSION_H

#include "file/file.h"

/* The position of a version that is being committed and has no place in the journal yet: later than any that is published. */
#define POSITION_PENDING UINT64_MAX

/* Something was changed that a commit must carry; atime alone only goes along with one. */
void version_changed(struct files *files, struct file_index *index);
void version_atime_changed(struct files *files, struct file_index *index);
bool version_has_changes(const struct file_index *index);
/* From where on the store's bytes do not count for readers. */
uint64_t version_void_from(struct files *files, const struct file_index *index);
/* Committed pages from here on may be hidden: a truncation that is not committed, or not published, cut them off. */
uint64_t version_hidden_from(struct files *files, const struct file_index *index);
/* What was cut off: size and void_from of current; truth before the frames. */
void version_truncate(struct files *files, struct file_index *index, uint64_t size);
/* After any change of frames or versions: what the journal must keep for the file, and on which lists it belongs. */
void version_settle(struct files *files, struct file_index *index);

/* `whole`: no change is left for a later commit. Fills the journal's entry but for its path; `void_from` is to be handed back. */
void version_begin(struct files *files, struct file_index *index, bool whole, struct journal_file *entry, uint64_t *void_from);
/* Truth before the chunk is written: when the journal publishes the position, the commit is durable. */
void version_place(struct files *files, struct file_index *index, const struct journal_chunk *chunk);
/* The commit is durable; its frames are committed. */
void version_publish(struct files *files, struct file_index *index, uint64_t void_from, const struct journal_chunk *chunk);
void version_abort(struct files *files, struct file_index *index, uint64_t void_from);

/* All pages that were committed, and size and times of `version`, are durable in the store's file. */
void version_stored(struct files *files, struct file_index *index, const struct file_version *version);
/* It failed: frames are no longer in the order of commits, so that the oldest of them
 * keeps the tail until all is stored. */
void version_not_stored(struct files *files, struct file_index *index);
/* The store's file was cut where `cut` said. */
void version_cut_done(struct files *files, struct file_index *index);

/* All that is committed was made to be committed again: the next commit has their truncation, too, so that the earlier ones are not needed. */
void version_carry(struct files *files, struct file_index *index);

/* The file has no name and no user: its commits, whose frames are freed, need not reach the store. */
void version_drop(struct files *files, struct file_index *index);
/* Size, times but ctime, and what is void are as of the last commit; the received frames are to be freed. */
void version_rollback(struct files *files, struct file_index *index);

/* Of a takeover, in this order: which commit holds; then, when its frames are sorted, the rest of version_publish(). */
void version_recover(struct files *files, struct file_index *index);
void version_recovered(struct files *files, struct file_index *index);
/* Between these two: a commit's truncation voids the frame, which a dead worker had not come to free. */
bool version_voids(struct files *files, const struct file_index *index, const struct frame *frame, bool committed);

#endif
