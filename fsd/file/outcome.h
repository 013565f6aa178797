/* What becomes of a transaction's files: the commit is true, or all is received again. For transaction.c. */
#ifndef FILE_OUTCOME_H
#define FILE_OUTCOME_H

#include "file/transaction.h"

/* The chunk is durable. Truth first: when the journal publishes its position, all of the commit is true, and what the feed tells of it. */
void outcome_prepare(struct files *files, struct transaction *transaction);
/* It is true: the file is told. */
void outcome_publish(struct files *files, const struct part *part, const struct journal_chunk *chunk);
/* The pages of a file that was taken are received again, and the next sync tries again (invariant 6). -EAGAIN: nothing failed. */
void outcome_take_back(struct files *files, const struct part *part, int error);

#endif
