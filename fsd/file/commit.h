/* Commits: received pages become durable, all or none.
 *
 * The thread that asks for a commit while none is under way, or one and few ask, leads: it commits what is asked for, then what was asked for meanwhile
 * (group commit: one flush for all), until nobody waits. One at a time takes what comes into a commit, up to its place in the journal; then the
 * next one may. The other threads serve.
 */
#ifndef FILE_COMMIT_H
#define FILE_COMMIT_H

#include "file/file.h"

struct commit_waiter;
TAILQ_HEAD(waiter_list, commit_waiter);

struct commit_result {
    int error; /* -errno */
    uint64_t sequence;
    int64_t time;
};

struct commit_waiter {
    TAILQ_ENTRY(commit_waiter) link;
    const uint32_t *files; /* to be committed as one */
    uint32_t count;
    uint32_t flush_inode;        /* an inode to flush in the store as well: fsyncdir; 0: none */
    bool by_timer;               /* no program asks */
    bool carries;                /* carry.h: what is committed of the file is committed again */
    bool rolls_back;             /* rollback.h: nothing of its one file is to be committed, what is not committed is to go */
    struct snapshot **snapshots; /* snapshot.h: nothing is to be committed, one of each file is to be taken; where to; NULL: no */
    struct user *user;           /* whose they are */
    /* Called once, without locks, from a leading thread; may free the waiter. */
    void (*done)(struct commit_waiter *waiter, const struct commit_result *result);
    void *context;               /* the caller's */
    struct commit_result result; /* the leader's */
    bool again;                  /* the leader's: more than one commit can hold */
    uint64_t since;              /* it was asked for; 0: by the daemon itself */
    bool joined;                 /* the leader's: some of it is in the commit being made */
};

/* `committed` is called by the leader after each commit, for each of its files, then for 0, without locks. */
int commit_open(struct files *files, void (*committed)(void *context, uint32_t file), void *context);
/* Whether one is being made: it may fail, and then there is something to commit again. */
bool commit_under_way(struct files *files);
/* Asks for commits (zeroed but for what they ask), and may make them. */
void commit_submit(struct files *files, struct commit_waiter *waiters, size_t count);
/* Whether the file's bytes or size are not what its last commit has. */
bool commit_changes_contents(struct files *files, uint32_t file);
/* True where a commit would find nothing to do and no error to tell. */
bool commit_needless(struct files *files, uint32_t inode, uint32_t file);

#endif
