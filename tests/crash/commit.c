#include "config.h"

#include "steps.h"

static void committed(struct model *model, const bool *taken)
{
    for (int slot = 1; slot < DISK_SLOTS; slot++) {
        if (!taken[slot])
            continue;
        model->committed.files[slot] = model->now.files[slot];
        model->open[slot] = (struct open_file){.shortest = model->now.files[slot].size, .stream = model->next_stream++};
    }
}

/* A commit that is to be made. */
struct draft {
    struct journal_page pages[(DISK_SLOTS - 1) * MODEL_PAGES];
    struct journal_file files[DISK_SLOTS];
    struct journal_chunk chunk;
    struct model_state after;
    bool taken[DISK_SLOTS];
};

/* Some of the files that `other`, which comes before it, has not. */
static void draw_up(struct model *model, struct draft *draft, const struct draft *other)
{
    uint32_t pages = other == NULL ? 0 : other->chunk.page_count; /* their memory is in use */
    *draft = (struct draft){.after = other == NULL ? model->committed : other->after};
    uint32_t count = pages;
    for (int slot = 1; slot < DISK_SLOTS; slot++) {
        const struct model_file *file = &model->now.files[slot];
        if (!file->exists || !model->open[slot].changed || slot == model->left_out || (other != NULL && other->taken[slot]) ||
            below(model, 3) == 0)
            continue;
        struct journal_file *entry = &draft->files[draft->chunk.file_count];
        if (model->open[slot].renamed)
            record_add(model->record, (struct disk_event){.operation = DISK_SYNC, .slot = slot});
        model->open[slot].renamed = false;
        gather(model, slot, draft->chunk.file_count++, MODEL_PAGES, draft->pages, &count);
        identify(model, slot, file, entry);
        entry->stream = model->open[slot].stream;
        if (model->open[slot].shortest < model->committed.files[slot].size && mutation != VALID_NOT_TOLD)
            entry->valid = model->open[slot].shortest;
        draft->after.files[slot] = *file;
        draft->taken[slot] = true;
    }
    draft->chunk.type = JOURNAL_CHUNK_COMMIT;
    draft->chunk.files = draft->files;
    draft->chunk.pages = draft->pages + pages;
    draft->chunk.page_count = count - pages;
}

static int publish(struct model *model, struct draft *draft, size_t attempt)
{
    int result = journal_publish(model->journal, &draft->chunk);
    if (result == 0) {
        model->history->attempts[attempt].acknowledged = model->record->count;
        committed(model, draft->taken);
    }
    return result;
}

int commit(struct model *model)
{
    struct draft draft;
    draw_up(model, &draft, NULL);
    if (draft.chunk.file_count == 0)
        return 0;
    int result = journal_reserve(model->journal, &draft.chunk);
    if (result < 0)
        return result;
    new_attempt(model, &draft.after);
    result = journal_flush(model->journal, &draft.chunk);
    return result == 0 ? publish(model, &draft, model->history->count - 1) : result;
}

struct second {
    struct model *model;
    struct draft *draft;
};

static void flush_second(void *context)
{
    const struct second *second = context;
    new_attempt(second->model, &second->draft->after);
    if (journal_flush(second->model->journal, &second->draft->chunk) < 0)
        second->model->error = "of two commits at once the second fails";
}

/* Two commits at once: both are written before either is flushed. Sometimes the worker dies when only the first one is true. */
void step_commit_two(struct model *model)
{
    struct draft first, second;
    struct second context = {model, &second};
    draw_up(model, &first, NULL);
    if (first.chunk.file_count == 0 || !journal_is_fenced(model->journal) || journal_reserve(model->journal, &first.chunk) < 0)
        return;
    draw_up(model, &second, &first);
    size_t attempt = model->history->count;
    new_attempt(model, &first.after);
    if (second.chunk.file_count > 0 && journal_reserve(model->journal, &second.chunk) == 0) {
        if (mutation == UNDER_WAY_NOT_TOLD)
            second.chunk.under_way = 0;
        model->recorder.meanwhile = flush_second;
        model->recorder.context = &context;
    }
    if (journal_flush(model->journal, &first.chunk) < 0 || publish(model, &first, attempt) < 0)
        model->error = "of two commits at once the first fails";
    else if (model->history->count > attempt + 1 && below(model, 4) == 0)
        take_over(model);
    else if (model->history->count > attempt + 1 && publish(model, &second, attempt + 1) < 0)
        model->error = "of two commits at once the second is not published";
}
