#include "config.h"

#include "follow/dirty.h"

#include "mapshare-abi.h"

#include "journal/grow.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#define RANGES_MOST 4096u /* of a file; beyond, it is compared */

static int compare_files(const void *a, const void *b)
{
    return wire_id_compare(&((const struct dirty_file *)a)->id, &((const struct dirty_file *)b)->id);
}

static int compare_ranges(const void *a, const void *b)
{
    uint64_t left = ((const struct dirty_range *)a)->first, right = ((const struct dirty_range *)b)->first;

    return (left > right) - (left < right);
}

static void put_in_order(struct dirty_file *file)
{
    size_t kept = 0;

    if (file->count)
        qsort(file->ranges, file->count, sizeof file->ranges[0], compare_ranges);
    for (size_t i = 0; i < file->count; i++) {
        struct dirty_range *last = kept ? &file->ranges[kept - 1] : NULL, *next = &file->ranges[i];

        if (last && (last->last == UINT64_MAX || next->first <= last->last + 1))
            last->last = last->last > next->last ? last->last : next->last;
        else
            file->ranges[kept++] = *next;
    }
    file->count = kept;
}

static int add_range(struct dirty_file *file, uint64_t first, uint64_t last)
{
    if (file->count >= RANGES_MOST) /* then perhaps they are fewer */
        put_in_order(file);
    file->whole |= file->count >= RANGES_MOST;
    if (file->whole)
        return 0;
    if (!grow(&file->ranges, &file->room, file->count + 1, sizeof file->ranges[0]))
        return -ENOMEM;
    file->ranges[file->count++] = (struct dirty_range){.first = first, .last = last};
    return 0;
}

static struct dirty_file *find_or_make(struct dirty *dirty, const struct wire_id *id)
{
    struct dirty_file *made, **found, key = {.id = *id};

    found = tfind(&key, &dirty->files, compare_files);
    if (found)
        return *found;
    made = calloc(1, sizeof *made);
    if (!made)
        return NULL;
    made->id = *id;
    if (!tsearch(made, &dirty->files, compare_files)) {
        free(made);
        return NULL;
    }
    dirty->count++;
    return made;
}

int dirty_add(struct dirty *dirty, const struct feed_event *event)
{
    struct wire_id id = {.inode = event->figures[0], .generation = event->generation};
    struct dirty_file *file;
    int error = 0;

    if (!dirty->since.tv_sec)
        dirty->since = event->time;
    file = find_or_make(dirty, &id);
    if (!file)
        return -ENOMEM;
    for (size_t i = 0; i < event->count && !error; i++) {
        const struct feed_change *change = &event->changes[i];

        if (change->kind == MAPSHARE_ABI_STORED || change->kind == MAPSHARE_ABI_HOLE)
            error = add_range(file, change->first, change->last);
        else if (change->kind == MAPSHARE_ABI_CUT)
            error = add_range(file, change->first, UINT64_MAX);
        else if (change->kind != MAPSHARE_ABI_GROWN) /* what is new is zeros: the size tells it */
            file->whole = true;
    }
    return error;
}

int dirty_take(struct dirty *dirty, struct dirty *other)
{
    struct dirty_file **files = dirty_list(other);
    int error = files ? 0 : -ENOMEM;

    if (!dirty->since.tv_sec)
        dirty->since = other->since;
    for (size_t i = 0; i < other->count && !error; i++) {
        struct dirty_file *file = find_or_make(dirty, &files[i]->id);

        error = file ? 0 : -ENOMEM;
        for (size_t j = 0; j < files[i]->count && !error; j++)
            error = add_range(file, files[i]->ranges[j].first, files[i]->ranges[j].last);
        if (file)
            file->whole |= files[i]->whole;
    }
    free(files);
    dirty_free(other);
    return error;
}

const struct dirty_file *dirty_find(const struct dirty *dirty, const struct wire_id *id)
{
    struct dirty_file key = {.id = *id}, **found = tfind(&key, &dirty->files, compare_files);

    return found ? *found : NULL;
}

struct list {
    struct dirty_file **files;
    size_t count;
};

static void list_one(const void *node, VISIT order, void *context)
{
    struct list *list = context;

    if (order != postorder && order != leaf)
        return;
    list->files[list->count++] = *(struct dirty_file *const *)node;
}

struct dirty_file **dirty_list(struct dirty *dirty)
{
    struct list list = {.files = calloc(dirty->count + 1, sizeof(struct dirty_file *))};

    if (list.files)
        twalk_r(dirty->files, list_one, &list);
    for (size_t i = 0; i < list.count; i++)
        put_in_order(list.files[i]);
    return list.files;
}

static void file_free(void *argument)
{
    struct dirty_file *file = argument;

    free(file->ranges);
    free(file);
}

void dirty_free(struct dirty *dirty)
{
    tdestroy(dirty->files, file_free);
    *dirty = (struct dirty){0};
}
