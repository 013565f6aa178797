/* Writes chunks: header and pages in one gathered write, or two where the log's end comes between. Used by several threads at once. */
#ifndef JOURNAL_WRITER_H
#define JOURNAL_WRITER_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include "journal/format.h"

struct scratch;

struct writer {
    struct store *store;
    int fd;
    _Atomic uint64_t capacity; /* twice as much in the middle of a write puts it into the same place */
    unsigned char uuid[FORMAT_UUID_SIZE];
    pthread_mutex_t lock; /* the list; a leaf */
    SLIST_HEAD(, scratch) scratches;
};

void writer_init(struct writer *writer);
void writer_free(struct writer *writer);
/* 0 or -errno. */
int writer_write(struct writer *writer, const struct journal_chunk *chunk, uint64_t epoch_number);

#endif
