/* The files as the log leaves them: commits are added in order, the last word on each page stays. Used by one thread.
 * Memory is proportional to the entries in the log. */
#ifndef JOURNAL_IMAGE_H
#define JOURNAL_IMAGE_H

#include "journal/chunk.h"
#include "journal/image_file.h"
#include "journal/names.h"
#include "journal/segment.h"

RB_HEAD(image_files, image_file);
RB_PROTOTYPE(image_files, image_file, link, image_file_compare)

struct image_waiting;
RB_HEAD(image_waiting_tree, image_waiting);

struct image {
    struct image_files files; /* by inode */
    struct names names;
    bool tells_of_names; /* the log has changes of names */
    uint64_t chunks;
    uint64_t commits;
    uint64_t end;    /* position after the last COMMIT */
    bool *in_commit; /* of each chunk: part of a commit, or one itself */
    size_t in_commit_capacity;

    /* Pages of DATA chunks that no commit has named yet, in chains that go through `next`. */
    struct image_waiting_tree waiting;
    struct image_page *pages;
    size_t page_count, page_capacity;
    struct image_file **named; /* of the chunk being added, for each of its entries */
    struct image_waiting **chains;
    size_t named_capacity, chain_capacity;
};

/* The next chunk of the log; its data begin at this position. 0 or -ENOMEM. */
int image_add(struct image *image, const struct chunk_view *view, uint64_t data_position);
void image_free(struct image *image);

/* The first file with this inode number, or the next higher one. */
struct image_file *image_first_of_inode(struct image *image, uint64_t inode);

#endif
