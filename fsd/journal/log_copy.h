/* A part of a journal that is in use, in a file of its own: it may become far longer than the journal is. The file is sparse. */
#ifndef JOURNAL_LOG_COPY_H
#define JOURNAL_LOG_COPY_H

#include <stdint.h>

struct store;

struct log_copy {
    int from, to;
    void *buffer;
};

/* Of the journal in the private folder, from the chunk at this position on, into an empty file. 0 or -errno. */
int log_copy_begin(struct log_copy *copy, struct store *store, int private_folder, int to, uint64_t tail, uint64_t tail_number);
/* What is from one position to another, which the journal has still. 0 or -errno; -EFBIG: the copy is too long. */
int log_copy_add(struct log_copy *copy, uint64_t position, uint64_t end);
void log_copy_end(struct log_copy *copy);

#endif
