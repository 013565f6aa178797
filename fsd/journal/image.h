/* The files as the log leaves them: commits are added in order, the last word on each page stays. Used by one thread.
 * Memory is proportional to the entries in the log. */
#ifndef JOURNAL_IMAGE_H
#define JOURNAL_IMAGE_H

#include "journal/chunk.h"
#include "journal/names.h"
#include "journal/segment.h"

enum image_fate {
    IMAGE_LOST, /* nothing in the store is this file, and nothing says that it was removed */
    IMAGE_FOUND,
    IMAGE_FOREIGN, /* found, and belongs to another user than it did */
    IMAGE_REMOVED,
};

struct image_file {
    RB_ENTRY(image_file) link;
    struct identity identity;
    struct name_list names; /* what it is called; after find_all, where it is */
    char *last_path;        /* of its last commit with a path, for people; or NULL */
    bool takes_part;        /* a COMMIT names it */
    bool unnamed;           /* the last one says that it has no name */
    enum image_fate fate;
    uint32_t *owners; /* those that it may have */
    size_t owner_count, owner_capacity;
    uint64_t first_sequence, last_sequence; /* of its commits */
    uint64_t size, reserved;
    struct timespec times[2]; /* atime, mtime */
    struct segment_tree segments;
};
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

/* One more user that the file may belong to. 0 or -ENOMEM. */
int image_add_owner(struct image_file *file, uint32_t owner);
/* Pages that the log has of the file. */
uint64_t image_pages(struct image_file *file);

/* The first file with this inode number, or the next higher one. */
struct image_file *image_first_of_inode(struct image *image, uint64_t inode);

int image_file_compare(const struct image_file *a, const struct image_file *b);

#endif
