#include "config.h"

#include <errno.h>
#include <string.h>

#include "journal/grow.h"
#include "journal/image_file.h"

#define COMPARE(a, b) ((a) < (b) ? -1 : (a) > (b))

int image_file_compare(const struct image_file *a, const struct image_file *b)
{
    const struct identity *x = &a->identity, *y = &b->identity;
    int result = COMPARE(x->inode, y->inode);
    if (result == 0)
        result = COMPARE(x->birth.tv_sec, y->birth.tv_sec);
    if (result == 0)
        result = COMPARE(x->birth.tv_nsec, y->birth.tv_nsec);
    if (result != 0 || x->birth.tv_sec != 0 || x->birth.tv_nsec != 0)
        return result;
    /* Without a time of birth the handle tells a number's users apart. */
    result = COMPARE(x->handle_type, y->handle_type);
    if (result == 0)
        result = COMPARE(x->handle_length, y->handle_length);
    return result == 0 ? memcmp(x->handle, y->handle, x->handle_length) : result;
}

int image_add_owner(struct image_file *file, uint32_t owner)
{
    if (!grow(&file->owners, &file->owner_capacity, file->owner_count + 1, sizeof(*file->owners)))
        return -ENOMEM;
    file->owners[file->owner_count++] = owner;
    return 0;
}

uint64_t image_pages(struct image_file *file)
{
    struct segment *segment;
    uint64_t pages = 0;
    RB_FOREACH (segment, segment_tree, &file->segments)
        pages += segment->kind == SEGMENT_LOG ? segment->count : 0;
    return pages;
}
