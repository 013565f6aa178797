/* What belongs together in the log: a commit and the chunks that were written ahead for it. The journal's lock guards it. */
#ifndef JOURNAL_SPAN_H
#define JOURNAL_SPAN_H

#include "journal/journal.h"

/* Of a stream that no commit has named yet: its first chunk. */
struct stream {
    uint64_t stream;
    uint64_t position;
    uint64_t number;
};

/* A published commit and what was written ahead for it: the tail may be at either end, but not in between. */
struct span {
    uint64_t position; /* of the first chunk */
    uint64_t number;
    uint64_t commit; /* position of the commit */
};

struct spans {
    struct span *all; /* in the order of their commits */
    size_t count, capacity;
    struct stream *streams;
    size_t stream_count, stream_capacity;
};

/* 0 or -ENOMEM. */
int spans_init(struct spans *spans);
void spans_free(struct spans *spans);

/* A DATA chunk has this place: its streams may begin here. 0 or -ENOMEM. */
int spans_open(struct spans *spans, const struct journal_chunk *data, uint64_t position, uint64_t number);
/* A commit is published: its streams become its span. */
void spans_close(struct spans *spans, const struct journal_chunk *commit);
/* Moves a tail that would be inside a span to the span's beginning. */
void spans_keep_together(const struct spans *spans, uint64_t *position, uint64_t *number);
/* The first chunk of a stream that is open and begins at `from` or later, where that is before `position`. */
void spans_first_open(const struct spans *spans, uint64_t from, uint64_t *position, uint64_t *number);
/* The tail has moved; streams that began before it were given up. */
void spans_forget_before(struct spans *spans, uint64_t tail);
/* No stream is open any more. */
void spans_forget_open(struct spans *spans);

#endif
