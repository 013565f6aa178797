/* What a commit changes, told to the feed (cache/feed.h): for each file its runs of pages, what was cut off, its size and path.
 *
 * The leader's whose turn it is, right before its commit point. What is too much is told as less: pages of a file as "any", of more
 * files than fit only that there were.
 */
#ifndef FILE_CHANGES_H
#define FILE_CHANGES_H

#include "cache/feed.h"
#include "journal/journal.h"

struct change {
    uint64_t first, last; /* pages */
    uint32_t kind;        /* MAPSHARE_ABI_STORED or what else */
};

/* Kept from one commit to the next. */
struct changes {
    struct feed feed;
    struct mapshare_abi_entry record; /* what the records of the commit have in common */
    uint64_t end;                     /* the next record's number */
    uint32_t room;                    /* records for each file; 0: there are too many files */
    struct change *list;              /* of the file whose turn it is */
    size_t max;
    uint32_t count;
    bool sorted, incomplete;
};

struct file;
void changes_begin(struct changes *changes, const struct arena *arena, const struct journal_chunk *chunk);
/* Each page of a file in any order; then the file itself. `before`: its size as of the last commit. */
void changes_page(struct changes *changes, uint64_t page, bool hole);
void changes_file(struct changes *changes, const struct journal_file *file, uint64_t generation, uint64_t before);
/* With the commit point, all of it will have happened. */
void changes_end(struct changes *changes, const struct journal_chunk *chunk);
/* It has, or it has failed. */
void changes_done(const struct arena *arena, int error);

/* Of a new worker. */
void changes_take_over(const struct arena *arena);

#endif
