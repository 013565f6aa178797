/* Fair shares of memory: uncommitted pages of atomic files, of which nothing may be committed for the sake of memory, are charged to the user
 * who changed the file first since its last commit. Nobody may have more than a share of the frames in memory, nor of the spill file, and all
 * together leave a quarter of memory to files that can be committed at any time. Root's are charged but bounded by that quarter only.
 */
#ifndef FILE_SHARE_H
#define FILE_SHARE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct files;
struct file_index;
struct frame_index;

/* Of all users together; cache/user.h has each one's. */
struct shares {
    _Atomic uint32_t memory;
    _Atomic uint32_t memory_max;
};

/* What is a user's share of the frames; again when that was changed. */
void shares_open(struct files *files);
/* The file's lock is held, for all below. Who is charged from now on, if nothing of the file is: */
void share_charge_to(struct files *files, struct file_index *index, uint32_t user);
/* A frame of it became uncommitted, or no longer is. */
void share_count(struct files *files, struct file_index *index, const struct frame_index *frame, int change);
/* The file was made an atomic one, or an ordinary one. */
void share_count_all(struct files *files, struct file_index *index, int change);
/* Whether a further page may be in memory, else in the spill file: 0, -EAGAIN (not in memory), -EDQUOT. */
int share_check(struct files *files, const struct file_index *index);

#endif
