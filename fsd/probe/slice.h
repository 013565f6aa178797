/* The work of one question: a slice of it, so that a short question is never behind a long one. */
#ifndef PROBE_SLICE_H
#define PROBE_SLICE_H

#include "probe/protocol.h"

/* Of the file with `pages` pages, from page `first` on. They fill in error and next, and find_dirty the runs. */
void slice_find_dirty(int fd, uint64_t first, uint64_t pages, struct answer *answer);
void slice_pull(int fd, uint64_t first, uint64_t pages, struct answer *answer);

#endif
