/* The feed: two logs of what happened, in the arena: what commits changed, and other events. Each is a ring of records; the oldest go first.
 *
 * A slot is sealed with its number, so that a reader, who takes no lock and holds nobody up, sees whether it has what was meant: the record, not a
 * newer one, not half of one, nothing damaged. Records are in the order of their sequence numbers, so that one is found by it.
 *
 * A commit's records are written behind the end before its commit point. The end moves when the commit is published; where the worker dies
 * before, its successor asks the journal whether it was. So a commit is in the log once if and only if it is durable. One thread at a time
 * appends to a log.
 */
#ifndef CACHE_FEED_H
#define CACHE_FEED_H

#include "cache/arena.h"

#define FEED_COMMIT_MOST (MAPSHARE_ABI_FEED_RECORDS / 4) /* records of one commit */

struct feed {
    struct feed_state *state;
    struct feed_slot *slots;
    uint32_t max;
};

struct feed feed_of(const struct arena *arena, enum mapshare_abi_log log);
/* Of a new worker, before anything is appended: `published` tells whether the commit that was pending is durable. A log that is new, or damaged,
 * knows of nothing up to the commit `sequence`. */
void feed_take_over(const struct feed *feed, bool published, uint64_t sequence);
/* What has no commit point. */
void feed_append(const struct feed *feed, const struct mapshare_abi_entry *record);

/* A commit: records are put from the end on; all are pending when the commit has its position; then they are true, or gone. */
void feed_put(const struct feed *feed, uint64_t number, const struct mapshare_abi_entry *record);
void feed_prepare(const struct feed *feed, uint64_t end, uint64_t position);
void feed_publish(const struct feed *feed);
void feed_withdraw(const struct feed *feed);

/* All up to here can be read; `sequence` of the last of them. */
uint64_t feed_end(const struct feed *feed, uint64_t *sequence);
/* The first record after a commit. -ERANGE: some may be gone; or there was no such commit. */
int feed_find(const struct feed *feed, uint64_t since, uint64_t end, uint64_t *number);
/* -ERANGE: it is not there any more. */
int feed_read(const struct feed *feed, uint64_t number, struct mapshare_abi_entry *record);

#endif
