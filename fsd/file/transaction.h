/* All that one commit takes, and its commit point: files come in with what they received, all of them become durable or none.
 *
 * One at a time, the leader's (commit.h), who keeps it from one to the next.
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

/* All that one commit needs; kept by the leader from one to the next. */
struct transaction {
    struct part *parts;
    struct journal_file *files;
    struct journal_page *pages;
    uint32_t part_count, page_count;
    uint32_t weight; /* pages of all parts, those journaled ahead included */
    char (*paths)[4096];
    size_t part_max, file_max, page_max, path_max;
    bool space_was_scarce;
    struct changes changes;
};

/* Nothing is in it. */
void transaction_begin(struct transaction *transaction);
/* A waiter's files come in, or none of them does: waiter->result.error, -EAGAIN when it must wait for the next one. */
void transaction_take(struct files *files, struct transaction *transaction, struct commit_waiter *waiter);
/* -errno: all that was taken is received again, and the next sync tries again (invariant 6). */
int transaction_commit(struct files *files, struct transaction *transaction, struct commit_result *result);

#endif
