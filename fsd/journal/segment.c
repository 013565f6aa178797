#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "journal/segment.h"

int segment_compare(const struct segment *a, const struct segment *b)
{
    return a->first < b->first ? -1 : a->first > b->first;
}

RB_GENERATE(segment_tree, segment, link, segment_compare)

static uint64_t end_of(const struct segment *segment)
{
    return segment->first + segment->count;
}

/* The first run that ends after this page. */
static struct segment *find(struct segment_tree *tree, uint64_t page)
{
    struct segment *segment = RB_ROOT(tree);
    struct segment *found = NULL;
    while (segment != NULL) {
        if (end_of(segment) > page) {
            found = segment;
            segment = RB_LEFT(segment, link);
        } else {
            segment = RB_RIGHT(segment, link);
        }
    }
    return found;
}

static int insert(struct segment_tree *tree, struct segment content)
{
    struct segment *segment = malloc(sizeof(*segment));
    if (segment == NULL)
        return -ENOMEM;
    *segment = content;
    RB_INSERT(segment_tree, tree, segment);
    return 0;
}

static void drop_front(struct segment *segment, uint64_t pages)
{
    segment->first += pages;
    segment->count -= pages;
    if (segment->kind == SEGMENT_LOG)
        segment->position += pages * FORMAT_BLOCK;
}

static void drop_back(struct segment *segment, uint64_t pages)
{
    segment->count -= pages;
    if (pages > 0)
        segment->keep = FORMAT_BLOCK;
}

/* Makes room: nothing covers these pages afterwards. */
static int carve(struct segment_tree *tree, uint64_t first, uint64_t count)
{
    uint64_t end = first + count;
    struct segment *segment = find(tree, first);
    while (segment != NULL && segment->first < end) {
        struct segment *next = RB_NEXT(segment_tree, tree, segment);
        uint64_t segment_end = end_of(segment);
        if (segment->first < first) {
            if (segment_end > end) {
                struct segment back = *segment;
                drop_front(&back, end - segment->first);
                if (insert(tree, back) < 0)
                    return -ENOMEM;
            }
            drop_back(segment, segment_end - first);
        } else if (segment_end > end) {
            drop_front(segment, end - segment->first); /* the order stays */
        } else {
            RB_REMOVE(segment_tree, tree, segment);
            free(segment);
        }
        segment = next;
    }
    return 0;
}

/* Makes `content` part of the run that ends where it begins, where both are of one piece. */
static bool join(struct segment_tree *tree, const struct segment *content)
{
    struct segment *before = content->first > 0 ? find(tree, content->first - 1) : NULL;
    if (before == NULL || end_of(before) != content->first || before->kind != content->kind || before->keep != FORMAT_BLOCK)
        return false;
    if (content->kind == SEGMENT_LOG && before->position + before->count * FORMAT_BLOCK != content->position)
        return false;
    before->count += content->count;
    before->keep = content->keep;
    return true;
}

static int put(struct segment_tree *tree, struct segment content)
{
    int result = carve(tree, content.first, content.count);
    if (result == 0 && !join(tree, &content))
        result = insert(tree, content);
    return result;
}

int segment_from_log(struct segment_tree *tree, uint64_t first, uint64_t count, uint64_t position)
{
    return put(tree,
               (struct segment){.first = first, .count = count, .position = position, .keep = FORMAT_BLOCK, .kind = SEGMENT_LOG});
}

int segment_zero(struct segment_tree *tree, uint64_t first, uint64_t count)
{
    return put(tree, (struct segment){.first = first, .count = count, .keep = FORMAT_BLOCK, .kind = SEGMENT_ZERO});
}

/* Bytes of one page from `keep` on are void. */
static int cut_page(struct segment_tree *tree, uint64_t page, uint16_t keep)
{
    struct segment content = {.first = page, .count = 1, .keep = keep, .kind = SEGMENT_KEEP};
    const struct segment *found = find(tree, page);
    if (found != NULL && found->first <= page) {
        if (found->kind == SEGMENT_ZERO)
            return 0;
        if (found->keep < keep && end_of(found) == page + 1)
            content.keep = found->keep;
        if (found->kind == SEGMENT_LOG) {
            content.kind = SEGMENT_LOG;
            content.position = found->position + (page - found->first) * FORMAT_BLOCK;
        }
    }
    return put(tree, content);
}

int segment_cut(struct segment_tree *tree, uint64_t offset)
{
    uint64_t page = offset / FORMAT_BLOCK;
    uint16_t keep = offset % FORMAT_BLOCK;
    if (page >= SEGMENT_END)
        return 0;
    if (keep > 0) {
        int result = cut_page(tree, page, keep);
        if (result < 0 || ++page == SEGMENT_END)
            return result;
    }
    return segment_zero(tree, page, SEGMENT_END - page);
}

void segment_free_all(struct segment_tree *tree)
{
    struct segment *segment, *next;
    RB_FOREACH_SAFE (segment, segment_tree, tree, next) {
        RB_REMOVE(segment_tree, tree, segment);
        free(segment);
    }
}
