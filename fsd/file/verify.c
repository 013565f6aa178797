#include "config.h"

#include "file/verify.h"

#include "alive.h"
#include "cache/damage.h"
#include "cache/place.h"
#include "cache/seal.h"
#include "file/damage.h"
#include "file/record.h"
#include "file/relate.h"

void verify_count(struct mapshare_abi_verify *report, enum mapshare_abi_record kind, const char *damage)
{
    report->looked[kind]++;
    report->damaged[kind] += damage != NULL;
    if (report->looked[kind] % 1024 == 0)
        alive_still();
}

static void list_inode(struct mapshare_abi_verify *report, uint64_t number)
{
    for (uint32_t i = 0; i < report->count; i++) {
        if (report->inodes[i] == number)
            return;
    }
    if (report->count < MAPSHARE_ABI_VERIFIED && number != NUMBER_RETIRED)
        report->inodes[report->count++] = number;
    else
        report->more = 1;
}

void verify_tell_file(struct files *files, struct mapshare_abi_verify *report, uint32_t number, const char *damage)
{
    list_inode(report, files->arena->inodes[files->arena->files[number].inode].number);
    damage_found(files, number, damage);
}

/* ---- inodes and names ---- */

/* The table's lock is held. What makes no sense is forgotten; its cells, and its hold of a folder, go with the worker. */
static const char *look_at_name(const struct arena *arena, uint32_t slot, struct mapshare_abi_verify *report)
{
    uint64_t place = arena->inodes[slot].place;
    const char *damage;
    uint32_t cells;

    if (!place)
        return NULL;
    damage = place_is_folder(arena, place >> 32) ? name_damage(arena, (uint32_t)place, &cells) : "its folder";
    verify_count(report, MAPSHARE_ABI_NAMES, damage);
    if (damage)
        atomic_store(&arena->inodes[slot].place, 0);
    return damage;
}

/* Returns what is wrong with an inode that is held then, with its file in *file. */
static const char *look_at_inode(struct files *files, uint32_t slot, struct mapshare_abi_verify *report, uint32_t *file)
{
    struct inode *inode = &files->arena->inodes[slot];
    const char *damage = NULL, *name = NULL;

    pthread_mutex_lock(&files->inodes->lock);
    if (inode->number) {
        damage = inode_damage(files->inodes, slot);
        if (damage && !(inode->flags & INODE_DAMAGED))
            inode_mark(files->inodes, slot);
        pthread_mutex_lock(&files->record_lock); /* no file's record begins or ends */
        if (!damage && relate_inode(files, slot))
            damage = "whose file it is";
        pthread_mutex_unlock(&files->record_lock);
        verify_count(report, MAPSHARE_ABI_INODES, damage);
        name = look_at_name(files->arena, slot, report);
    }
    if (damage)
        inode_hold(files->inodes, slot);
    if (damage || name)
        list_inode(report, inode->number);
    *file = inode->file <= files->arena->header->file_used ? inode->file : 0;
    pthread_mutex_unlock(&files->inodes->lock);
    return damage;
}

void verify_inodes(struct files *files, struct mapshare_abi_verify *report)
{
    for (uint32_t slot = 1; slot <= files->arena->header->inode_used; slot++) {
        uint32_t file;
        const char *damage = look_at_inode(files, slot, report, &file);

        if (!damage)
            continue;
        if (file)
            verify_tell_file(files, report, file, damage);
        inode_put(files->inodes, slot);
    }
}

/* ---- files and frames ---- */

/* The record is held then; false: there is none. */
static bool hold(struct files *files, uint32_t number, const char **damage)
{
    const struct arena *arena = files->arena;
    uint32_t inode;

    pthread_mutex_lock(&files->inodes->lock);
    pthread_mutex_lock(&files->record_lock);
    *damage = relate_file(files, number) ? "whose it is" : NULL;
    pthread_mutex_unlock(&files->record_lock);
    inode = arena->files[number].inode;
    if (inode > arena->header->inode_used || arena->inodes[inode].file != number)
        inode = 0;
    if (inode && !arena->inodes[inode].number)
        *damage = "its inode's";
    if (inode)
        inode_hold(files->inodes, inode);
    pthread_mutex_unlock(&files->inodes->lock);
    return inode;
}

/* Its private half was made from it, or made it, and changed with it. */
static const char *look_at_frame(const struct files *files, const struct file_index *index, const struct frame_index *frame)
{
    const struct frame *truth = frame_truth(files->frames, frame);
    bool committed = frame->state == FRAME_COMMITTED || frame->state == FRAME_WRITEBACK;
    const char *damage = frame_damage(files, truth);

    if (damage)
        return damage;
    if (truth->file != index - files->index || truth->page != frame->page || truth->version != frame->version)
        return "a page's place";
    if (!(truth->flags & FRAME_HIDDEN) != frame->in_view)
        return "a page's flags";
    if (frame->state == FRAME_COMMITTING)
        return NULL;
    return committed == (truth->position && journal_published(&files->arena->header->journal, truth->position))
               ? NULL
               : "a page's place in the journal";
}

static const char *look_at_frames(struct files *files, struct file_index *index, struct mapshare_abi_verify *report)
{
    const struct frame_index *frame;
    const char *found = NULL;

    for (int state = FRAME_RECEIVED; state < FRAME_STATES; state++) {
        TAILQ_FOREACH (frame, &index->view.lists[state], link) {
            const char *damage = look_at_frame(files, index, frame);

            verify_count(report, MAPSHARE_ABI_FRAMES, damage);
            found = found ? found : damage;
        }
    }
    return found;
}

static void verify_file(struct files *files, uint32_t number, const char *damage, struct mapshare_abi_verify *report)
{
    struct file_index *index = &files->index[number];
    const char *frames;

    file_lock(files, index);
    damage = damage ? damage : file_damage(files, number);
    frames = look_at_frames(files, index, report);
    pthread_mutex_unlock(&index->lock);
    verify_count(report, MAPSHARE_ABI_FILES, damage);
    if (damage || frames)
        verify_tell_file(files, report, number, damage ? damage : frames);
}

/* What is said to be in use, but is nobody's. It is not touched: who takes it from the free ones makes it good. */
static void verify_free_frames(struct files *files, struct mapshare_abi_verify *report)
{
    const struct arena *arena = files->arena;

    for (uint32_t i = arena_frame_last(arena->header); i; i = arena_frame_before(arena->header, i)) {
        const struct frame *frame = &arena->frames[i];
        struct frame seen = {.page = frame->page, .version = frame->version, .position = frame->position, .use = frame->use};

        if (seen.use && files->frames->index[i].state == FRAME_FREE && frame_damage(files, &seen) && frame->use == seen.use)
            verify_count(report, MAPSHARE_ABI_FRAMES, "whose it is");
    }
}

void verify_files(struct files *files, struct mapshare_abi_verify *report)
{
    for (uint32_t number = 1; number <= files->arena->header->file_used; number++) {
        const char *damage;

        if (!hold(files, number, &damage))
            continue;
        verify_file(files, number, damage, report);
        file_put(files, number);
    }
    verify_free_frames(files, report);
}
