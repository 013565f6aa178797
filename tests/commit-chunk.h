/* A commit of the journal's by a caller who makes one at a time, and has nobody to tell. */
#ifndef TESTS_COMMIT_CHUNK_H
#define TESTS_COMMIT_CHUNK_H

#include "journal/journal.h"

static inline int commit_chunk(struct journal *journal, struct journal_chunk *chunk)
{
    int result = journal_flush(journal, chunk);
    return result == 0 ? journal_publish(journal, chunk) : result;
}

#endif
