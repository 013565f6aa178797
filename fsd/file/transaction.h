/* All that one commit takes, and its commit point: files come in with what they received, all of them become durable or none.
 *
 * What it takes is taken, and gets its place in the journal, by one leader (commit.h) at a time; flushes go on at once; ends follow in the order
 * of the places.
 */
#ifndef FILE_TRANSACTION_H
#define FILE_TRANSACTION_H

#include "file/changes.h"
#include "file/commit.h"
#include "journal/journal.h"

/* A file's part in the commit being made. */
struct part {
    uint32_t file;
    uint64_t void_from; /* what current.valid was */
    bool whole;         /* nothing that was received is left for a later commit */
};

/* All that one commit needs; kept from one to the next. */
struct transaction {
    struct journal_chunk chunk;
    struct part *parts;
    struct journal_file *files;
    struct journal_page *pages;
    uint32_t part_count, page_count;
    uint32_t epoch;   /* the journal's when it began: what was journaled ahead in an earlier one comes with it */
    uint32_t weight;  /* pages of all parts, those journaled ahead included */
    uint32_t refused; /* pages that were too many for one commit */
    char (*paths)[4096];
    size_t part_max, file_max, page_max, path_max;
    struct changes changes;
};

/* Nothing is in it. */
void transaction_begin(struct files *files, struct transaction *transaction);
/* A waiter's files, of which none is in another one, come in, or none of them does: waiter->result.error, -EAGAIN when it must wait for the next one. */
void transaction_take(struct files *files, struct transaction *transaction, struct commit_waiter *waiter);
/* It gets its place in the journal, after those under way. -ENOSPC: there is no room, at least not before these have ended. */
int transaction_place(struct files *files, struct transaction *transaction);
/* After that: none is under way, and a checkpoint makes room (invariant 4). -EAGAIN: where the commit's own streams hold the tail, nothing can: it is made
 * again without them. */
int transaction_place_alone(struct files *files, struct transaction *transaction);
/* It is durable as soon as those before it are. */
int transaction_flush(struct files *files, struct transaction *transaction);
/* After those before it have ended: it becomes true, and its files are told; with an error, before or here, all that was taken is received again,
 * and the next sync tries again (invariant 6). -EAGAIN: nothing failed but another one. */
int transaction_end(struct files *files, struct transaction *transaction, int error, struct commit_result *result);

#endif
