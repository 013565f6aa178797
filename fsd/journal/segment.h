/* Where each page of a file finally comes from: an ordered set of runs that do not overlap. What no run covers is as the store has
 * it. Used by one thread. */
#ifndef JOURNAL_SEGMENT_H
#define JOURNAL_SEGMENT_H

#include <stdint.h>
#include <sys/tree.h>

#include "journal/format.h"

#define SEGMENT_END FORMAT_PAGE_MAX /* a run of zeros up to here goes on for ever */

enum segment_kind {
    SEGMENT_LOG,  /* bytes at `position` of the log */
    SEGMENT_ZERO, /* reads as zeros */
    SEGMENT_KEEP, /* the store's page: its first `keep` bytes, then zeros */
};

struct segment {
    RB_ENTRY(segment) link;
    uint64_t first, count; /* pages */
    uint64_t position;
    uint16_t keep; /* of the last page; FORMAT_BLOCK: all of it */
    uint8_t kind;
};

RB_HEAD(segment_tree, segment);
RB_PROTOTYPE(segment_tree, segment, link, segment_compare)

/* Each returns 0 or -ENOMEM. Later calls win over earlier ones. */
int segment_from_log(struct segment_tree *tree, uint64_t first, uint64_t count, uint64_t position);
int segment_zero(struct segment_tree *tree, uint64_t first, uint64_t count);
/* All bytes from this one on are void. */
int segment_cut(struct segment_tree *tree, uint64_t offset);
void segment_free_all(struct segment_tree *tree);

int segment_compare(const struct segment *a, const struct segment *b);

#endif
