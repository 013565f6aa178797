/* Old pages that snapshots of a file need: a file without a name in the private folder, and an index of it. For snapshot.c and keep.c.
 *
 * A page is kept once, however many snapshots there are: `until` is the first commit of the file that has it otherwise, so it is that of all
 * commits before, down to the one before which it was kept last. A snapshot of commit `count` finds the one with the least `until` above
 * `count`; where there is none, the page is as it was. Each is charged to the user of the newest snapshot that needed it when it was kept; when that
 * ends, to the next older one, or nobody needs it any more. So nobody is charged for more than was kept since his own snapshot began.
 *
 * A slot is a page of the file, and an entry of `all`. Locking: a file's lock guards its snapshots and what is kept of it; `lock`, a leaf, the
 * slots.
 */
#ifndef FILE_KEPT_H
#define FILE_KEPT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/tree.h>

#include "cache/slots.h"
#include "cache/user.h"

struct kept {
    RB_ENTRY(kept) link;    /* the file's */
    TAILQ_ENTRY(kept) mine; /* of the snapshot that is charged */
    uint64_t page, until;
};

RB_HEAD(kept_tree, kept);
int kept_compare(const struct kept *a, const struct kept *b);
RB_PROTOTYPE(kept_tree, kept, link, kept_compare)
TAILQ_HEAD(kept_list, kept);

struct snapshot {
    TAILQ_ENTRY(snapshot) link;  /* the file's, the oldest first */
    TAILQ_ENTRY(snapshot) ended; /* those to be swept: under the leaf lock */
    uint32_t file;               /* its record is held */
    uint64_t count;              /* of the file's commits when it was taken */
    uint64_t size;
    struct user *user;
    struct kept_list kept;       /* what its user is charged for */
    bool is_over;                /* nothing is kept for it any more: ESTALE */
    bool unlisted;               /* all that was kept for it is gone */
    _Atomic uint32_t references; /* its reader, and the sweep */
};

TAILQ_HEAD(snapshot_list, snapshot);

/* A file's. */
struct file_snapshots {
    struct snapshot_list list;
    struct kept_tree kept;
    _Atomic uint32_t count; /* on the list; glanced at without the lock */
};

/* All files'. */
struct snapshots {
    pthread_mutex_t lock;
    int fd; /* -1: nothing was kept yet */
    struct kept *all;
    struct slots slots;
    _Atomic uint32_t used;
    struct snapshot_list ended;
    unsigned char *buffer; /* KEEP_PAGES, of the one who makes commits */
    long error_logged;
};

struct files;
struct file_index;

/* Slots to write pages to. 0, -ENOSPC, -errno: none was taken. */
int kept_take_slots(struct files *files, uint32_t *slots, uint32_t count);
void kept_give_slots(struct files *files, const uint32_t *slots, uint32_t count);
static inline uint64_t kept_offset(uint32_t slot)
{
    return (uint64_t)(slot - 1) << 12;
}

/* The file's lock is held, for all below. The slot of the page as of that commit; 0: it is as it was. */
uint32_t kept_find(struct files *files, struct file_index *index, uint64_t page, uint64_t count);
/* The newest snapshot for which pages are to be kept, or NULL. */
struct snapshot *kept_newest(struct file_index *index);
/* The slot has the page as the next commit will not have it. False where nobody needs it. Who has too much is over. */
bool kept_add(struct files *files, struct file_index *index, uint32_t slot, uint64_t page);
/* Its reader is told, and the sweep gives back what it has. */
void kept_end(struct files *files, struct snapshot *snapshot);

/* Without it. What is kept for one that is over becomes another's, or nobody's. */
void kept_disown(struct files *files, struct snapshot *snapshot);

#endif
