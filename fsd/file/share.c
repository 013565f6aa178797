#include "config.h"

#include "file/share.h"

#include <errno.h>

#include "file/file.h"

static struct users *users_of(const struct files *files)
{
    return &files->inodes->users;
}

void shares_open(struct files *files)
{
    const struct arena_header *header = files->arena->header;
    const struct tuning *tuning = arena_tuning(header);

    users_of(files)->limits[HOLDS_MEMORY] = tuning->cache_size / PAGE_BYTES * tuning->user_share / 100;
    users_of(files)->limits[HOLDS_SPILL] = header->spill_max * tuning->user_share / 100;
    users_of(files)->limits[HOLDS_SNAPSHOTS] = (files->options->snapshot_size >> PAGE_SHIFT) * tuning->user_share / 100;
    files->shares.memory_max = tuning->cache_size / PAGE_BYTES / 4 * 3;
}

void share_charge_to(struct files *files, struct file_index *index, uint32_t user)
{
    if (!index->view.counts[FRAME_RECEIVED] && !index->view.counts[FRAME_COMMITTING])
        index->user = user_find(users_of(files), file_truth(files, index)->user = user);
}

static void count_one(struct files *files, struct user *user, bool in_memory, int change)
{
    atomic_fetch_add_explicit(&user->holds[in_memory ? HOLDS_MEMORY : HOLDS_SPILL], change, memory_order_relaxed);
    if (in_memory)
        atomic_fetch_add_explicit(&files->shares.memory, change, memory_order_relaxed);
}

static bool is_in_memory(const struct files *files, const struct frame_index *frame)
{
    return frame_number(files->frames, frame) <= files->arena->header->frame_max;
}

void share_count(struct files *files, struct file_index *index, const struct frame_index *frame, int change)
{
    if (file_truth(files, index)->flags & FILE_ATOMIC && index->user)
        count_one(files, index->user, is_in_memory(files, frame), change);
}

void share_count_all(struct files *files, struct file_index *index, int change)
{
    static const enum frame_state uncommitted[] = {FRAME_RECEIVED, FRAME_COMMITTING};
    const struct frame_index *frame;

    for (int i = 0; i < 2 && index->user; i++) {
        TAILQ_FOREACH (frame, &index->view.lists[uncommitted[i]], link)
            count_one(files, index->user, is_in_memory(files, frame), change);
    }
}

int share_check(struct files *files, const struct file_index *index)
{
    const struct users *users = users_of(files);
    const struct user *user = index->user;
    bool exempt;

    if (!user || !(file_truth(files, index)->flags & FILE_ATOMIC))
        return 0;
    exempt = user_is_exempt(users, user);
    if (files->shares.memory < files->shares.memory_max && (exempt || user->holds[HOLDS_MEMORY] < users->limits[HOLDS_MEMORY]))
        return 0;
    return exempt || user->holds[HOLDS_SPILL] < users->limits[HOLDS_SPILL] ? -EAGAIN : -EDQUOT;
}
