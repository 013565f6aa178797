#include "config.h"

#include "file/kept.h"

#include <errno.h>
#include <unistd.h>

#include "file/file.h"
#include "store/unnamed.h"

#define DISOWN_BATCH 256u

int kept_compare(const struct kept *a, const struct kept *b)
{
    if (a->page != b->page)
        return a->page < b->page ? -1 : 1;
    return a->until < b->until ? -1 : a->until > b->until;
}

RB_GENERATE(kept_tree, kept, link, kept_compare)

/* ---- slots ---- */

int kept_take_slots(struct files *files, uint32_t *slots, uint32_t count)
{
    struct snapshots *all = &files->snapshots;
    uint32_t taken = 0;
    int error = 0;

    pthread_mutex_lock(&all->lock);
    if (all->fd < 0)
        error = unnamed_open(files->inodes->private, "snapshots", &all->fd);
    while (!error && taken < count) {
        slots[taken] = slots_take(&all->slots);
        if (slots[taken])
            taken++;
        else
            error = -ENOSPC;
    }
    while (error && taken)
        slots_give(&all->slots, slots[--taken]);
    pthread_mutex_unlock(&all->lock);
    return error;
}

/* When all are free the store has its blocks again. */
void kept_give_slots(struct files *files, const uint32_t *slots, uint32_t count)
{
    struct snapshots *all = &files->snapshots;

    if (!count)
        return;
    pthread_mutex_lock(&all->lock);
    while (count)
        slots_give(&all->slots, slots[--count]);
    if (slots_in_use(&all->slots) == 0 && !ftruncate(all->fd, 0))
        all->used = all->slots.count = 0;
    pthread_mutex_unlock(&all->lock);
}

static uint32_t slot_of(const struct files *files, const struct kept *kept)
{
    return kept - files->snapshots.all;
}

/* ---- what is kept of a file ---- */

uint32_t kept_find(struct files *files, struct file_index *index, uint64_t page, uint64_t count)
{
    struct kept key = {.page = page, .until = count + 1}, *kept = RB_NFIND(kept_tree, &index->snapshots.kept, &key);

    return kept && kept->page == page ? slot_of(files, kept) : 0;
}

struct snapshot *kept_newest(struct file_index *index)
{
    struct snapshot *snapshot;

    TAILQ_FOREACH_REVERSE (snapshot, &index->snapshots.list, snapshot_list, link) {
        if (!snapshot->is_over)
            break;
    }
    return snapshot;
}

bool kept_add(struct files *files, struct file_index *index, uint32_t slot, uint64_t page)
{
    struct kept *kept = &files->snapshots.all[slot];
    struct snapshot *snapshot;

    while ((snapshot = kept_newest(index)) && !kept_find(files, index, page, snapshot->count)) {
        if (!user_take(&files->inodes->users, snapshot->user, HOLDS_SNAPSHOTS)) {
            kept_end(files, snapshot);
            continue;
        }
        *kept = (struct kept){.page = page, .until = index->versions.count + 1};
        RB_INSERT(kept_tree, &index->snapshots.kept, kept);
        TAILQ_INSERT_TAIL(&snapshot->kept, kept, mine);
        return true;
    }
    return false;
}

/* Whether the page as of `older` was kept before: then nobody older needs this one. */
static bool is_of_no_use(struct kept *kept, const struct snapshot *older)
{
    const struct kept *before = RB_PREV(kept_tree, NULL, kept);

    return !older || (before && before->page == kept->page && before->until > older->count);
}

/* Returns how many slots came free. */
static uint32_t disown_some(struct files *files, struct file_index *index, struct snapshot *snapshot, uint32_t freed[DISOWN_BATCH])
{
    struct snapshot *older = snapshot->unlisted ? NULL : TAILQ_PREV(snapshot, snapshot_list, link);
    struct kept *kept;
    uint32_t count = 0;

    for (uint32_t i = 0; i < DISOWN_BATCH && (kept = TAILQ_FIRST(&snapshot->kept)); i++) {
        TAILQ_REMOVE(&snapshot->kept, kept, mine);
        user_give(snapshot->user, HOLDS_SNAPSHOTS);
        if (is_of_no_use(kept, older)) {
            RB_REMOVE(kept_tree, &index->snapshots.kept, kept);
            freed[count++] = slot_of(files, kept);
        } else {
            TAILQ_INSERT_TAIL(&older->kept, kept, mine);
            user_count(older->user, HOLDS_SNAPSHOTS);
        }
    }
    return count;
}

void kept_disown(struct files *files, struct snapshot *snapshot)
{
    struct file_index *index = &files->index[snapshot->file];
    uint32_t freed[DISOWN_BATCH], count;
    bool done;

    do {
        file_lock(files, index);
        count = disown_some(files, index, snapshot, freed);
        if (TAILQ_EMPTY(&snapshot->kept) && !snapshot->unlisted) {
            TAILQ_REMOVE(&index->snapshots.list, snapshot, link);
            index->snapshots.count--;
            snapshot->unlisted = true;
        }
        done = snapshot->unlisted;
        pthread_mutex_unlock(&index->lock);
        kept_give_slots(files, freed, count);
    } while (!done);
}

void kept_end(struct files *files, struct snapshot *snapshot)
{
    struct snapshots *all = &files->snapshots;

    if (snapshot->is_over)
        return;
    snapshot->is_over = true;
    atomic_fetch_add(&snapshot->references, 1);
    pthread_mutex_lock(&all->lock);
    TAILQ_INSERT_TAIL(&all->ended, snapshot, ended);
    pthread_mutex_unlock(&all->lock);
}
