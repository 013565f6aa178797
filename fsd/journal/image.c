#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "journal/image.h"
#include "journal/grow.h"

#define NO_PAGE SIZE_MAX

struct image_page {
    uint64_t page, count, position;
    size_t next;
    uint64_t chunk;
    enum journal_page_kind kind;
};

struct image_waiting {
    RB_ENTRY(image_waiting) link;
    uint64_t stream;
    const struct image_file *file;
    uint32_t epoch;
    size_t first, last;
};

#define COMPARE(a, b) ((a) < (b) ? -1 : (a) > (b))

RB_PROTOTYPE(image_waiting_tree, image_waiting, link, waiting_compare)

static int waiting_compare(const struct image_waiting *a, const struct image_waiting *b)
{
    int result = COMPARE(a->stream, b->stream);
    if (result == 0)
        result = COMPARE((uintptr_t)a->file, (uintptr_t)b->file);
    return result == 0 ? COMPARE(a->epoch, b->epoch) : result;
}

RB_GENERATE(image_files, image_file, link, image_file_compare)
RB_GENERATE(image_waiting_tree, image_waiting, link, waiting_compare)

static struct image_file *file_of(struct image *image, const struct journal_file *entry)
{
    struct image_file key = {.identity = entry->identity};
    struct image_file *file = RB_FIND(image_files, &image->files, &key);
    if (file == NULL) {
        file = calloc(1, sizeof(*file));
        if (file == NULL)
            return NULL;
        file->identity = entry->identity;
        RB_INIT(&file->segments);
        SLIST_INIT(&file->names);
        RB_INSERT(image_files, &image->files, file);
    }
    if (entry->identity.handle_length > 0)
        file->identity = entry->identity; /* the key stays what it is */
    return file;
}

static struct image_waiting *chain_of(struct image *image, const struct journal_file *entry, const struct image_file *file,
                                      uint32_t epoch, bool make)
{
    struct image_waiting key = {.stream = entry->stream, .file = file, .epoch = epoch, .first = NO_PAGE, .last = NO_PAGE};
    struct image_waiting *chain = RB_FIND(image_waiting_tree, &image->waiting, &key);
    if (chain == NULL && make) {
        chain = malloc(sizeof(*chain));
        if (chain == NULL)
            return NULL;
        *chain = key;
        RB_INSERT(image_waiting_tree, &image->waiting, chain);
    }
    return chain;
}

static int add_waiting_page(struct image *image, struct image_waiting *chain, const struct journal_page *page, uint64_t position)
{
    struct image_page *last = chain->last == NO_PAGE ? NULL : &image->pages[chain->last];
    if (last != NULL && last->chunk == image->chunks && last->kind == JOURNAL_DATA && page->kind == JOURNAL_DATA &&
        last->page + last->count == page->page && last->position + last->count * FORMAT_BLOCK == position) {
        last->count++;
        return 0;
    }
    if (!grow(&image->pages, &image->page_capacity, image->page_count + 1, sizeof(*image->pages)))
        return -ENOMEM;
    image->pages[image->page_count] = (struct image_page){
        .page = page->page,
        .count = page->count,
        .position = position,
        .next = NO_PAGE,
        .chunk = image->chunks,
        .kind = page->kind,
    };
    if (chain->last == NO_PAGE)
        chain->first = image->page_count;
    else
        image->pages[chain->last].next = image->page_count;
    chain->last = image->page_count++;
    return 0;
}

static int add_data(struct image *image, const struct chunk_view *view, uint64_t position)
{
    const struct journal_chunk *chunk = &view->chunk;
    if (!grow(&image->chains, &image->chain_capacity, chunk->file_count, sizeof(*image->chains)))
        return -ENOMEM;
    for (uint32_t i = 0; i < chunk->file_count; i++) {
        image->chains[i] = NULL;
        if (chunk->files[i].stream == 0)
            continue;
        image->chains[i] = chain_of(image, &chunk->files[i], image->named[i], view->chunk.epoch, true);
        if (image->chains[i] == NULL)
            return -ENOMEM;
    }
    for (uint32_t i = 0; i < chunk->page_count; i++) {
        const struct journal_page *page = &chunk->pages[i];
        struct image_waiting *chain = image->chains[page->file];
        if (chain != NULL && add_waiting_page(image, chain, page, position) < 0)
            return -ENOMEM;
        if (page->kind == JOURNAL_DATA)
            position += FORMAT_BLOCK;
    }
    return 0;
}

static int apply(struct image_file *file, enum journal_page_kind kind, uint64_t page, uint64_t count, uint64_t position)
{
    if (kind == JOURNAL_DATA)
        return segment_from_log(&file->segments, page, count, position);
    return segment_zero(&file->segments, page, count);
}

/* The pages that waited for this commit are part of it. */
static int apply_stream(struct image *image, const struct journal_file *entry, struct image_file *file, uint32_t epoch)
{
    struct image_waiting *chain = entry->stream == 0 ? NULL : chain_of(image, entry, file, epoch, false);
    int result = 0;
    if (chain == NULL)
        return 0;
    for (size_t i = chain->first; result == 0 && i != NO_PAGE; i = image->pages[i].next) {
        const struct image_page *page = &image->pages[i];
        image->in_commit[page->chunk] = true;
        result = apply(file, page->kind, page->page, page->count, page->position);
    }
    RB_REMOVE(image_waiting_tree, &image->waiting, chain);
    free(chain);
    return result;
}

/* What a COMMIT says of the file but for its pages. */
static int add_entry(struct image *image, const struct journal_chunk *chunk, const struct journal_file *entry,
                     struct image_file *file)
{
    file->first_sequence = file->takes_part ? file->first_sequence : chunk->sequence;
    file->last_sequence = chunk->sequence;
    file->takes_part = true;
    file->unnamed = entry->unnamed;
    file->size = entry->size;
    file->reserved = entry->reserved;
    file->times[0] = entry->atime;
    file->times[1] = entry->mtime;
    file->owner_count = 0;
    int result = image_add_owner(file, entry->owner);
    if (entry->unnamed)
        names_drop(&image->names, file);
    if (result < 0 || entry->path == NULL)
        return result;
    free(file->last_path);
    file->last_path = strdup(entry->path);
    return file->last_path == NULL ? -ENOMEM : names_commit(&image->names, file, entry->path);
}

/* First what the store held is void, then pages come in, then all beyond the size is void. */
static int add_commit(struct image *image, const struct chunk_view *view, uint64_t position)
{
    const struct journal_chunk *chunk = &view->chunk;
    int result = names_made(&image->names);
    for (uint32_t i = 0; result == 0 && i < chunk->file_count; i++)
        result = segment_cut(&image->named[i]->segments, chunk->files[i].valid);
    for (uint32_t i = 0; result == 0 && i < chunk->file_count; i++)
        result = apply_stream(image, &chunk->files[i], image->named[i], view->chunk.epoch);
    for (uint32_t i = 0; result == 0 && i < chunk->page_count; i++) {
        const struct journal_page *page = &chunk->pages[i];
        result = apply(image->named[page->file], page->kind, page->page, page->count, position);
        if (page->kind == JOURNAL_DATA)
            position += FORMAT_BLOCK;
    }
    for (uint32_t i = 0; result == 0 && i < chunk->file_count; i++) {
        result = add_entry(image, chunk, &chunk->files[i], image->named[i]);
        if (result == 0)
            result = segment_cut(&image->named[i]->segments, chunk->files[i].size);
    }
    image->commits++;
    image->in_commit[image->chunks] = true;
    image->end = chunk->position + chunk->length;
    return result;
}

static int add_names(struct image *image, const struct chunk_view *view)
{
    int result = 0;
    for (uint32_t i = 0; result == 0 && i < view->chunk.name_count; i++)
        result = names_change(&image->names, &view->chunk.names[i], view->chunk.number);
    image->tells_of_names = true;
    image->in_commit[image->chunks] = true;
    image->end = view->chunk.position + view->chunk.length;
    return result;
}

int image_add(struct image *image, const struct chunk_view *view, uint64_t data_position)
{
    const struct journal_chunk *chunk = &view->chunk;
    if (!grow(&image->named, &image->named_capacity, chunk->file_count, sizeof(*image->named)) ||
        !grow(&image->in_commit, &image->in_commit_capacity, image->chunks + 1, sizeof(*image->in_commit)))
        return -ENOMEM;
    image->in_commit[image->chunks] = false;
    for (uint32_t i = 0; i < chunk->file_count; i++) {
        image->named[i] = file_of(image, &chunk->files[i]);
        if (image->named[i] == NULL)
            return -ENOMEM;
    }
    int result;
    if (chunk->type == JOURNAL_CHUNK_NAMES)
        result = add_names(image, view);
    else if (chunk->type == JOURNAL_CHUNK_DATA)
        result = add_data(image, view, data_position);
    else
        result = add_commit(image, view, data_position);
    image->chunks++;
    return result;
}

struct image_file *image_first_of_inode(struct image *image, uint64_t inode)
{
    /* No time of birth is earlier. */
    struct image_file key = {.identity = {.inode = inode, .birth.tv_sec = INT64_MIN, .birth.tv_nsec = 0}};
    return RB_NFIND(image_files, &image->files, &key);
}

void image_free(struct image *image)
{
    struct image_file *file, *next_file;
    struct image_waiting *chain, *next_chain;
    names_free(&image->names);
    RB_FOREACH_SAFE (file, image_files, &image->files, next_file) {
        RB_REMOVE(image_files, &image->files, file);
        segment_free_all(&file->segments);
        free(file->last_path);
        free(file->owners);
        free(file);
    }
    RB_FOREACH_SAFE (chain, image_waiting_tree, &image->waiting, next_chain) {
        RB_REMOVE(image_waiting_tree, &image->waiting, chain);
        free(chain);
    }
    free(image->pages);
    free(image->named);
    free(image->chains);
    free(image->in_commit);
}
