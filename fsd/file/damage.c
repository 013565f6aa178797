#include "config.h"

#include "file/damage.h"

#include <errno.h>

#include "cache/damage.h"
#include "cache/seal.h"
#include "file/lists.h"
#include "file/version.h"
#include "log.h"

#define FILE_FLAGS (FILE_ATOMIC | FILE_TORN | FILE_DAMAGED | FILE_GIVEN_UP | FILE_ROLLING | FILE_STALE)
#define FRAME_STATES_TOLD (FRAME_HIDDEN | FRAME_HOLE | FRAME_VOID)
#define SIZE_MAX_EVER ((uint64_t)INT64_MAX) /* the store may have files that are larger than what we may make */
#define PAGE_MAX (SIZE_MAX_EVER >> PAGE_SHIFT)
#define ERROR_MAX 4095

/* ---- what is wrong ---- */

/* Where a chunk may be: before the head, or where a worker had reserved a place. */
static bool is_place(const struct files *files, uint64_t position)
{
    const struct journal_state *state = &files->arena->header->journal;

    return position_is_sound(position) && position <= state->points[state->current % 2].head + journal_size(files->journal);
}

static bool is_limit(uint64_t limit)
{
    return limit == UINT64_MAX || limit <= SIZE_MAX_EVER;
}

static const char *version_damage(const struct files *files, const struct file_version *version)
{
    const struct journal_state *state = &files->arena->header->journal;

    if (version->size > SIZE_MAX_EVER || version->reserved > SIZE_MAX_EVER || !is_limit(version->void_from))
        return "its size";
    if (version->position != POSITION_PENDING && !is_place(files, version->position))
        return "its place in the journal";
    return version->sequence > state->points[state->current % 2].sequence ? "its number of commits" : NULL;
}

const char *file_damage(struct files *files, uint32_t number)
{
    const struct file *file = &files->arena->files[number];
    uint32_t flags = file->flags;
    const char *damage;

    if (flags >> 16 != (flags & 0xffff) || flags & ~(uint32_t)FILE_FLAGS)
        return "its flags";
    if (flags & FILE_DAMAGED)
        return "found before";
    if (file->error < 0 || file->error > ERROR_MAX || !is_limit(file->cut) || file->current.position ||
        !position_is_sound(file->published) ||
        (file->published && !journal_published(&files->arena->header->journal, file->published)))
        return "its numbers";
    damage = version_damage(files, &file->current);
    for (int i = 0; i < 2 && !damage; i++)
        damage = version_damage(files, &file->commits[i]);
    return damage;
}

const char *frame_damage(const struct files *files, const struct frame *frame)
{
    uint32_t flags = frame->flags, states = flags & ~FRAME_SEAL;

    if ((flags & FRAME_SEAL) != frame_seal(frame->file, frame->page, frame->version) || !frame->file ||
        frame->file > files->arena->header->file_used || frame->page > PAGE_MAX)
        return "a page's place";
    if (states >> 28 != (states & 0xf) || states & ~(uint32_t)FRAME_STATES_TOLD)
        return "a page's flags";
    return is_place(files, frame->position) ? NULL : "a page's place in the journal";
}

/* ---- what becomes of the file ---- */

/* Of what it says nothing is acted on; the journal is taken to have commits of it. */
static void make_harmless(struct files *files, struct file *file)
{
    const struct journal_state *state = &files->arena->header->journal;
    struct file_version *versions[] = {&file->current, &file->commits[0], &file->commits[1]};

    for (int i = 0; i < 3; i++) {
        if (versions[i]->size > SIZE_MAX_EVER)
            versions[i]->size = 0;
        versions[i]->reserved = 0;
        versions[i]->void_from = UINT64_MAX;
        versions[i]->position = 0;
    }
    file->cut = UINT64_MAX;
    file->published = position_seal((state->points[state->current % 2].head - 1) & ~POSITION_FREE);
}

void damage_mark(struct files *files, uint32_t number, const char *what)
{
    struct file *file = &files->arena->files[number];

    if (!file_is_damaged(file)) /* by its number: the inode table's lock may be held, and its name be damaged, too */
        log_line(
            LOG_WARN,
            "inode %llu: its record in memory is damaged (%s): nothing of it is written to the store any more, and every sync of "
            "it fails, until it is removed or the mount ends",
            (unsigned long long)files->arena->inodes[file->inode].number, what);
    atomic_store(&file->flags, ((file->flags & file->flags >> 16 & 0xffff) * 0x10001 & FILE_FLAGS) | FILE_DAMAGED);
    atomic_store(&file->error, EUCLEAN);
    if (!files->index[number].started)
        make_harmless(files, file);
}

void damage_contain(struct files *files, struct file_index *index)
{
    if (index->versions.needed != UINT64_MAX)
        index->versions.floor = index->versions.needed;
    list_set(files, index, LIST_DAMAGED, true);
    list_set(files, index, LIST_CHANGED, false);
    list_set(files, index, LIST_COMMITTED, false);
}

void damage_found(struct files *files, uint32_t number, const char *what)
{
    struct file_index *index = &files->index[number];

    file_lock(files, index);
    if (!file_is_damaged(file_truth(files, index)))
        damage_mark(files, number, what);
    if (!index->listed[LIST_DAMAGED].on)
        damage_contain(files, index);
    pthread_mutex_unlock(&index->lock);
}

void damage_forget(struct files *files, struct file_index *index)
{
    list_set(files, index, LIST_DAMAGED, false);
}

static bool holds_tail(const struct files *files, struct file_index *index, int64_t argument)
{
    (void)argument;
    return index->versions.needed != UINT64_MAX && !(file_truth(files, index)->flags & FILE_GIVEN_UP);
}

void damage_give_up(struct files *files)
{
    char text[INODE_TEXT_BYTES];
    uint32_t number;

    while (list_take(files, LIST_DAMAGED, &number, 1, holds_tail, 0)) {
        struct file_index *index = &files->index[number];

        file_lock(files, index);
        atomic_fetch_or(&file_truth(files, index)->flags, FILE_GIVEN_UP);
        pthread_mutex_unlock(&index->lock);
        log_line(LOG_WARN,
                 "%s: the journal's room is needed: what was committed of this damaged file, and is not in the store, is lost",
                 inode_text(files->inodes, file_truth(files, index)->inode, text));
        inode_put(files->inodes, file_truth(files, index)->inode);
    }
}

/* ---- whose it was ---- */

static bool may_search(struct files *files)
{
    return files->searches && files->searches--;
}

/* If it is the number that is damaged, the seal tells the right one. */
static uint32_t find_owner(struct files *files, const struct frame *frame)
{
    uint32_t seal = frame->flags & FRAME_SEAL, used = files->arena->header->file_used;

    if (frame->file && frame->file <= used && seal == frame_seal(frame->file, frame->page, frame->version))
        return frame->file;
    for (uint32_t number = seal && may_search(files) ? used : 0; number; number--) {
        if (files->arena->files[number].inode && seal == frame_seal(number, frame->page, frame->version))
            return number;
    }
    return seal && frame->file <= used ? frame->file : 0; /* without one it was free */
}

void damage_drop_frame(struct files *files, uint32_t number, const char *what)
{
    struct frame *frame = &files->arena->frames[number];
    uint32_t owner = find_owner(files, frame);

    if (owner && files->arena->files[owner].inode)
        damage_mark(files, owner, what);
    else
        log_line(LOG_WARN, "takeover: a page's record is damaged: it is not known whose it was");
    frame_use(frame, 0, 0);
}

void damage_drop_handle(struct files *files, uint32_t number, const char *what)
{
    struct handle *handle = &files->arena->handles[number];
    const struct arena *arena = files->arena;
    bool lost = handle->seal != handle_seal(handle, handle->inode);
    uint32_t owner = handle_owner(arena, handle, lost && may_search(files));

    if (owner && arena->inodes[owner].file)
        damage_mark(files, arena->inodes[owner].file, what);
    else
        log_line(LOG_WARN, "takeover: an open file's record is damaged: its client has to open it anew");
    atomic_store(&handle->seal, 0);
    atomic_store(&handle->inode, 0);
}
