/* Which file's record is which inode's. Each names the other (invariant 13). A death leaves, at a birth or an end, a file that names
 * an inode which does not name it back; anything else is damage, and is mended by what the sound direction says. */
#include "config.h"

#include "file/relate.h"

#include "file/damage.h"

static bool is_inode(const struct arena *arena, uint32_t slot)
{
    return slot && slot <= arena->header->inode_used && arena->inodes[slot].number;
}

bool relate_is_named_back(const struct arena *arena, uint32_t number)
{
    uint32_t inode = arena->files[number].inode;

    return is_inode(arena, inode) && arena->inodes[inode].file == number;
}

static void join(struct files *files, uint32_t slot, uint32_t number)
{
    atomic_store(&files->arena->files[number].inode, slot);
    atomic_store(&files->arena->inodes[slot].file, number);
    damage_mark(files, number, "whose it is");
}

/* The inode names a file that does not name it: the file that does, or else that one if it is nobody's. */
static void mend_inode(struct files *files, uint32_t slot)
{
    const struct arena *arena = files->arena;
    uint32_t number = arena->inodes[slot].file, claim = 0;

    for (uint32_t i = arena->header->file_used; i && !claim; i--)
        claim = arena->files[i].inode == slot && !relate_is_named_back(arena, i) ? i : 0;
    if (!claim && number <= arena->header->file_used && !relate_is_named_back(arena, number))
        claim = number;
    if (claim)
        join(files, slot, claim);
    else
        atomic_store(&arena->inodes[slot].file, 0);
}

static bool has_frames(const struct files *files, uint32_t number)
{
    const struct arena *arena = files->arena;

    for (uint32_t i = arena_frame_last(arena->header); i; i = arena_frame_before(arena->header, i)) {
        if (arena->frames[i].file == number && !frame_damage(files, &arena->frames[i]))
            return true;
    }
    return false;
}

/* At its birth a file has nothing yet, and at its end the kernel has no reference any more. */
static bool is_amid_life(const struct files *files, uint32_t number)
{
    const struct file *file = &files->arena->files[number];

    return is_inode(files->arena, file->inode) && !files->arena->inodes[file->inode].file &&
           files->arena->inodes[file->inode].type == S_IFREG && files->arena->inodes[file->inode].lookups &&
           (file->published || file->commits[0].sequence || file->commits[1].sequence || has_frames(files, number));
}

bool relate_inode(struct files *files, uint32_t slot)
{
    const struct arena *arena = files->arena;
    uint32_t number = arena->inodes[slot].file;

    if (!number || (number <= arena->header->file_used && arena->files[number].inode == slot))
        return false;
    mend_inode(files, slot);
    return true;
}

bool relate_file(struct files *files, uint32_t number)
{
    if (!files->arena->files[number].inode || relate_is_named_back(files->arena, number) || !is_amid_life(files, number))
        return false;
    join(files, files->arena->files[number].inode, number);
    return true;
}

uint32_t records_relate(struct files *files)
{
    const struct arena *arena = files->arena;
    uint32_t dropped = 0;

    for (uint32_t slot = arena->header->inode_used; slot; slot--) {
        if (arena->inodes[slot].number)
            relate_inode(files, slot);
    }
    for (uint32_t number = arena->header->file_used; number; number--) {
        if (relate_file(files, number) || relate_is_named_back(arena, number))
            continue;
        dropped += arena->files[number].inode != 0;
        atomic_store(&arena->files[number].inode, 0);
        slots_give(&files->slots, number);
    }
    return dropped;
}
