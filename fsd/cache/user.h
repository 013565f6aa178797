/* Who has how much of what all users share. Private to a worker: whoever hands something out counts it, and counts it anew at a takeover.
 *
 * Counters are atomic; nothing else changes once the table is open.
 */
#ifndef CACHE_USER_H
#define CACHE_USER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define USERS_MAX 1024u /* that are told apart; beyond, they share */

enum holding {
    HOLDS_MEMORY,    /* frames of uncommitted changes of atomic files: share.h */
    HOLDS_SPILL,     /* the same in the spill file */
    HOLDS_HANDLES,   /* open files */
    HOLDS_PINS,      /* descriptors of files without a name */
    HOLDS_SNAPSHOTS, /* old pages that were kept for snapshots: file/kept.h */
    HOLDS_PARKED,    /* requests that wait: for a commit, or for the probe's answer */
    HOLDINGS
};

struct user {
    _Atomic uint64_t key; /* uid + 1; 0: free */
    _Atomic uint32_t holds[HOLDINGS];
    _Atomic uint64_t probe_time; /* nanoseconds that the probe, and who counts pages, were at work for the user, with their rests */
};

struct users {
    struct user all[USERS_MAX];
    _Atomic uint32_t limits[HOLDINGS]; /* of each user but root and the mount's owner */
    uint32_t owner;                    /* of the mount */
};

/* Without limits. */
void users_open(struct users *users);
struct user *user_find(struct users *users, uint32_t uid);
bool user_is_exempt(const struct users *users, const struct user *user);
/* One more; false where the user would have more than the limit. */
bool user_take(struct users *users, struct user *user, enum holding what);
/* The same, without a limit: what is there already. */
void user_count(struct user *user, enum holding what);
void user_give(struct user *user, enum holding what);

static inline uint32_t user_id(const struct user *user)
{
    return user->key - 1;
}

#endif
