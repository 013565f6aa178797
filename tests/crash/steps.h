/* The parts of the model: what happens to the files, and what the daemon does about it. */
#ifndef CRASH_STEPS_H
#define CRASH_STEPS_H

#include "model.h"

/* What the daemon knows of a file beside its contents. */
struct open_file {
    uint64_t shortest;       /* the smallest size since the last commit */
    uint64_t stream;         /* of pages written ahead */
    bool dirty[MODEL_PAGES]; /* differs from the last commit */
    bool ahead[MODEL_PAGES]; /* its content is in a DATA chunk of the stream */
    bool changed;            /* anything differs */
    bool renamed;            /* its next commit makes that durable first */
    uint64_t first_position; /* of the stream's chunks; 0: none */
    uint64_t first_number;
};

struct model {
    uint64_t random;
    struct recorder recorder;
    struct journal *journal;
    struct journal_state point;
    struct disk_record *record;
    struct history *history;
    struct model_state now, committed, stored; /* stored: what the last checkpoint left */
    struct open_file open[DISK_SLOTS];
    uint64_t next_stream;
    uint32_t next_tag;
    time_t clock;
    unsigned char *memory; /* for the pages of a chunk */
    int left_out;          /* of the next commit: a slot, or 0 */
    const char *error;
};

static inline uint64_t below(struct model *model, uint64_t limit)
{
    return random_below(&model->random, limit);
}

/* A slot with a file, or -1. */
int some_file(struct model *model);
void touch(struct model *model, int slot);
void set_page(struct model *model, int slot, uint64_t page, uint32_t tag);
/* What lies between the old end and the new one reads as zeros. */
void grow_to(struct model *model, int slot, uint64_t size);
/* Pages written ahead are not wanted any more: they may be of what was cut off. */
void forget_stream(struct model *model, int slot);

struct attempt *new_attempt(struct model *model, const struct model_state *state);
void identify(struct model *model, int slot, const struct model_file *state, struct journal_file *entry);
/* At most `limit` pages of one file that neither its last commit nor its stream has. */
void gather(struct model *model, int slot, uint32_t index, uint32_t limit, struct journal_page *pages, uint32_t *count);
/* The worker dies, and the next one goes on. */
void take_over(struct model *model);

/* What the journal says. */
int commit(struct model *model);
void step_commit_two(struct model *model);

void step_write(struct model *model);
void step_truncate(struct model *model);
void step_punch(struct model *model);

#endif
