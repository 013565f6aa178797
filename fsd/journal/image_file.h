/* A file as the log leaves it. */
#ifndef JOURNAL_IMAGE_FILE_H
#define JOURNAL_IMAGE_FILE_H

#include <sys/queue.h>
#include <sys/tree.h>

#include "journal/segment.h"
#include "store/identity.h"

struct name; /* names.h */
SLIST_HEAD(name_list, name);

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

int image_file_compare(const struct image_file *a, const struct image_file *b);
/* One more user that the file may belong to. 0 or -ENOMEM. */
int image_add_owner(struct image_file *file, uint32_t owner);
/* Pages that the log has of the file. */
uint64_t image_pages(struct image_file *file);

#endif
