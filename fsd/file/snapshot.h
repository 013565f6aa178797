/* Snapshots: a file as of one commit, while later ones are made.
 *
 * What a file has committed changes at one moment only, when a commit is published. Before that the one who makes it keeps the pages that it is about to
 * replace, where a snapshot needs them (kept.h). A checkpoint changes where a page is, not what it is: it keeps nothing. Of a page that was not
 * kept the snapshot has what is committed now.
 *
 * Keeping never fails a commit: where there is no room for it, or the store fails, the snapshots that need it are over. They are private to a worker
 * and end with it.
 */
#ifndef FILE_SNAPSHOT_H
#define FILE_SNAPSHOT_H

#include "file/file.h"

int snapshots_open(struct files *files);
/* Between two commits: for the leader (commit_waiter.snapshots). 0 or -errno. */
int snapshot_take(struct files *files, uint32_t file, struct user *user, struct snapshot **snapshot);
/* A commit that has what is COMMITTING is about to be made: the disk may begin to read what it will replace, while it writes the journal. */
void snapshot_expect(struct files *files, uint32_t file);
/* A commit that has what is COMMITTING, and makes void what is from `void_from` on (UINT64_MAX: nothing), is about to be published: for the leader. */
void snapshot_keep(struct files *files, uint32_t file, uint64_t void_from);
/* Up to `size` bytes; fewer at the end of the file, and where they lie in more than SNAPSHOT_BYTES of pages, which `buffer` has room for. -ESTALE: it
 * is over; -errno. */
#define SNAPSHOT_BYTES ((size_t)1 << 20)
ssize_t snapshot_read(struct files *files, struct snapshot *snapshot, unsigned char *buffer, size_t size, uint64_t offset);
void snapshot_close(struct files *files, struct snapshot *snapshot);
/* Now and then: what was kept for those that are over is given back. */
void snapshots_sweep(struct files *files);

#endif
