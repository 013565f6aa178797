#include "config.h"

#include "file/share.h"

#include <errno.h>

#include "file/file.h"

void shares_open(struct files *files, unsigned percent)
{
    const struct arena_header *header = files->arena->header;

    files->shares.memory_max = (uint64_t)header->frame_max * percent / 100;
    files->shares.spill_max = (uint64_t)header->spill_max * percent / 100;
    files->shares.memory_all = header->frame_max / 4 * 3;
}

static struct share *find(struct shares *shares, uint32_t user)
{
    uint64_t key = user + 1ull;

    for (uint32_t i = 0, at = user * 2654435761u % SHARES; i < SHARES; i++, at = (at + 1) % SHARES) {
        uint64_t there = 0;

        if (atomic_compare_exchange_strong(&shares->users[at].user, &there, key) || there == key)
            return &shares->users[at];
    }
    return &shares->users[0];
}

void share_charge_to(struct files *files, struct file_index *index, uint32_t user)
{
    if (!index->view.counts[FRAME_RECEIVED] && !index->view.counts[FRAME_COMMITTING])
        index->share = find(&files->shares, file_truth(files, index)->user = user);
}

static void count_one(struct files *files, struct share *share, bool in_memory, int change)
{
    atomic_fetch_add_explicit(in_memory ? &share->memory : &share->spill, change, memory_order_relaxed);
    if (in_memory)
        atomic_fetch_add_explicit(&files->shares.memory, change, memory_order_relaxed);
}

static bool is_in_memory(const struct files *files, const struct frame_index *frame)
{
    return frame_number(files->frames, frame) <= files->arena->header->frame_max;
}

void share_count(struct files *files, struct file_index *index, const struct frame_index *frame, int change)
{
    if (file_truth(files, index)->flags & FILE_ATOMIC && index->share)
        count_one(files, index->share, is_in_memory(files, frame), change);
}

void share_count_all(struct files *files, struct file_index *index, int change)
{
    static const enum frame_state uncommitted[] = {FRAME_RECEIVED, FRAME_COMMITTING};
    const struct frame_index *frame;

    for (int i = 0; i < 2 && index->share; i++) {
        TAILQ_FOREACH (frame, &index->view.lists[uncommitted[i]], link)
            count_one(files, index->share, is_in_memory(files, frame), change);
    }
}

int share_check(struct files *files, const struct file_index *index)
{
    const struct shares *shares = &files->shares;
    const struct share *share = index->share;
    bool root = share && share->user == 1;

    if (!share || !(file_truth(files, index)->flags & FILE_ATOMIC))
        return 0;
    if (shares->memory < shares->memory_all && (root || share->memory < shares->memory_max))
        return 0;
    return root || share->spill < shares->spill_max ? -EAGAIN : -EDQUOT;
}
