#include "config.h"

#include "file/version.h"

#include <assert.h>

#include "cache/seal.h"
#include "clock.h"
#include "file/lists.h"

static struct file_version *last_of(struct files *files, const struct file_index *index)
{
    return &file_truth(files, index)->commits[index->versions.last];
}

static struct file_version *next_of(struct files *files, const struct file_index *index)
{
    return &file_truth(files, index)->commits[!index->versions.last];
}

/* Nobody has heard of its attributes since. */
static void changed_now(struct file_index *index)
{
    index->asker = 0;
    index->versions.last_change = time_coarse();
}

static void touch(struct files *files, struct file_index *index)
{
    struct file_versions *versions = &index->versions;

    changed_now(index);
    if (!versions->changed_since)
        versions->changed_since = versions->last_change;
    list_set(files, index, LIST_CHANGED, true);
}

void version_changed(struct files *files, struct file_index *index)
{
    index->versions.changed = true;
    touch(files, index);
}

void version_atime_changed(struct files *files, struct file_index *index)
{
    index->versions.atime_changed = true;
    touch(files, index);
}

bool version_has_changes(const struct file_index *index)
{
    return index->versions.changed || index->versions.atime_changed || index->view.counts[FRAME_RECEIVED] ||
           index->view.counts[FRAME_COMMITTING];
}

uint64_t version_void_from(struct files *files, const struct file_index *index)
{
    uint64_t from = version_hidden_from(files, index), cut = file_truth(files, index)->cut;

    return cut < from ? cut : from;
}

uint64_t version_hidden_from(struct files *files, const struct file_index *index)
{
    uint64_t from = file_truth(files, index)->current.void_from, next = next_of(files, index)->void_from;

    return index->versions.committing && next < from ? next : from;
}

void version_truncate(struct files *files, struct file_index *index, uint64_t size)
{
    struct file_version *current = &file_truth(files, index)->current;

    if (size < current->size)
        current->reserved = 0;
    if (size < current->size && size < current->void_from)
        current->void_from = size;
    current->size = size;
}

/* ---- what the journal keeps ---- */

static uint64_t earlier(uint64_t needed, uint64_t position)
{
    return position && position < needed ? position : needed;
}

void version_settle(struct files *files, struct file_index *index)
{
    struct file_versions *versions = &index->versions;
    const struct frame_index *first = TAILQ_FIRST(&index->view.lists[FRAME_COMMITTED]);
    uint64_t last =
        last_of(files, index)->position; /* has size and times: earlier commits are needed for pages and truncations only */
    bool committed = first || index->view.counts[FRAME_WRITEBACK] || last;
    uint64_t needed = first ? frame_truth(files->frames, first)->position : UINT64_MAX;

    needed = earlier(needed, versions->writing);
    needed = earlier(needed, last);
    needed = earlier(needed, versions->floor);
    if (file_truth(files, index)->cut != UINT64_MAX)
        needed = earlier(needed, versions->cut_position);
    versions->needed = needed;
    if (!index->view.counts[FRAME_RECEIVED] && !versions->changed && !versions->atime_changed)
        versions->changed_since = 0;
    list_set(files, index, LIST_CHANGED, version_has_changes(index) || versions->committing);
    list_set(files, index, LIST_COMMITTED, committed);
}

/* ---- a commit ---- */

void version_begin(struct files *files, struct file_index *index, bool whole, struct journal_file *entry, uint64_t *void_from)
{
    struct file_versions *versions = &index->versions;
    struct file_version *current = &file_truth(files, index)->current, *next = next_of(files, index);

    assert(!versions->committing); /* invariant 16 */
    *void_from = current->void_from;
    *next = *current;
    atomic_store(&next->position, POSITION_PENDING); /* truth: the truncation is here now, before it leaves `current` */
    *entry = (struct journal_file){
        .stream = index->stream.number,
        .size = next->size,
        .reserved = next->reserved,
        .valid = next->void_from,
        .atime = time_unpack(next->atime),
        .mtime = time_unpack(next->mtime),
        .ctime = time_unpack(next->ctime),
    };
    current->void_from = UINT64_MAX;
    versions->committing = true;
    versions->changed = !whole;
    versions->atime_changed = false;
    versions->changed_since = whole ? 0 : versions->changed_since;
}

void version_place(struct files *files, struct file_index *index, const struct journal_chunk *chunk)
{
    struct file_version *next = next_of(files, index);

    next->committed_at = time_pack(chunk->time);
    atomic_store(&next->position, position_seal(chunk->position));
}

void version_publish(struct files *files, struct file_index *index, uint64_t void_from, const struct journal_chunk *chunk)
{
    struct file_versions *versions = &index->versions;
    struct file *file = file_truth(files, index);

    if (void_from != UINT64_MAX && void_from <= file->cut) { /* it has what earlier ones cut */
        versions->cut_position = chunk->position;
        file->cut = void_from;
    }
    if (versions->carried)
        versions->floor = 0;
    versions->carried = false;
    next_of(files, index)->sequence = chunk->sequence;
    atomic_store(&file->published, position_seal(chunk->position));
    versions->last = !versions->last;
    versions->count++;
    versions->committing = false;
    version_settle(files, index);
}

void version_abort(struct files *files, struct file_index *index, uint64_t void_from)
{
    struct file_version *current = &file_truth(files, index)->current;

    if (void_from < current->void_from)
        current->void_from = void_from;
    atomic_store(&next_of(files, index)->position, 0);
    index->versions.committing = index->versions.carried = false;
    version_changed(files, index);
}

/* ---- a checkpoint ---- */

void version_stored(struct files *files, struct file_index *index, const struct file_version *version)
{
    struct file_version *last = last_of(files, index);

    index->versions.floor = 0;
    if (last->position == version->position) /* else a newer one came, which has its own */
        atomic_store(&last->position, 0);
}

void version_not_stored(struct files *files, struct file_index *index)
{
    const struct frame_index *frame;
    uint64_t floor = UINT64_MAX;

    TAILQ_FOREACH (frame, &index->view.lists[FRAME_COMMITTED], link)
        floor = earlier(floor, frame_truth(files->frames, frame)->position);
    index->versions.floor = floor == UINT64_MAX ? 0 : floor;
    index->versions.carried = false;
}

void version_cut_done(struct files *files, struct file_index *index)
{
    atomic_store(&file_truth(files, index)->cut, UINT64_MAX);
    index->view.moved++;
    atomic_fetch_add(&files->settled, 1);
}

void version_carry(struct files *files, struct file_index *index)
{
    struct file *file = file_truth(files, index);

    if (file->cut < file->current.void_from)
        file->current.void_from = file->cut;
    index->versions.carried = true;
    version_changed(files, index);
}

/* ---- an end of changes ---- */

void version_drop(struct files *files, struct file_index *index)
{
    index->versions.changed = index->versions.atime_changed = false;
    if (!index->view.counts[FRAME_WRITEBACK]) {
        last_of(files, index)->position = 0;
        index->versions.floor = 0;
    }
    version_settle(files, index);
}

void version_rollback(struct files *files, struct file_index *index)
{
    struct file_versions *versions = &index->versions;
    struct file_version *current = &file_truth(files, index)->current, *last = last_of(files, index);

    assert(!versions->committing);
    last->ctime = current->ctime; /* is of names, modes and attributes, too, which stay */
    *current = (struct file_version){
        .size = last->size,
        .reserved = last->reserved,
        .void_from = UINT64_MAX,
        .atime = last->atime,
        .mtime = last->mtime,
        .ctime = last->ctime,
    };
    versions->changed = versions->atime_changed = versions->carried = false;
    changed_now(index);
}

/* ---- takeover ---- */

static bool is_durable(const struct files *files, uint64_t position)
{
    return position && journal_published(&files->arena->header->journal, position);
}

void version_recover(struct files *files, struct file_index *index)
{
    struct file_versions *versions = &index->versions;
    struct file *file = file_truth(files, index);
    const struct journal_state *state = &files->arena->header->journal;
    const struct file_version *last;

    versions->last = file->commits[1].sequence > file->commits[0].sequence;
    for (int i = 0; i < 2; i++) {
        struct file_version *version = &file->commits[i];

        if (!version->position || version->position == file->published)
            continue;
        if (!is_durable(files, version->position)) { /* never became so: its truncation is to be committed */
            if (version->void_from < file->current.void_from)
                file->current.void_from = version->void_from;
            version->position = 0;
        } else if (version->position < file->published) { /* an older one */
            version->position = 0;
        } else { /* but the file was not told: the last commit of all */
            version->sequence = state->points[state->current % 2].sequence;
            versions->last = i;
        }
    }
    last = last_of(files, index);
    versions->cut_position = files->tail.released; /* at the earliest */
    versions->needed = versions->cut_position;
    versions->changed = file->current.size != last->size || file->current.mtime != last->mtime ||
                        file->current.ctime != last->ctime || file->current.void_from != UINT64_MAX;
    versions->atime_changed = file->current.atime != last->atime;
    versions->changed_since = clock_nanoseconds();
}

bool version_voids(struct files *files, const struct file_index *index, const struct frame *frame, bool committed)
{
    const struct file_version *last = last_of(files, index);

    return committed && last->position > file_truth(files, index)->published && frame->position < last->position &&
           frame->page << PAGE_SHIFT >= last->void_from;
}

void version_recovered(struct files *files, struct file_index *index)
{
    struct file *file = file_truth(files, index);
    const struct file_version *last = last_of(files, index);

    if (last->position > file->published) {
        if (last->void_from < file->cut)
            atomic_store(&file->cut, last->void_from);
        atomic_store(&file->published, last->position);
    }
    version_settle(files, index);
}
