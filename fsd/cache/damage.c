#include "config.h"

#include "cache/damage.h"

#include <string.h>
#include <xxhash.h>

#include "cache/seal.h"
#include "log.h"

#define INODE_FLAGS (INODE_UNSYNCED | INODE_SYNCING | INODE_UNLINKED | INODE_REMOVED | INODE_DAMAGED)
#define LOOKUPS_MAX (1ull << 48)
#define NAME_LENGTH_MAX 4095
#define NO_MARK 1ull /* the key was not always the same: generations tell nothing */

/* ---- the header ---- */

static uint64_t seal_of(const struct arena_header *header)
{
    const uint64_t constants[] = {header->magic,
                                  header->layout,
                                  header->inode_max,
                                  header->file_max,
                                  header->frame_max,
                                  header->spill_max,
                                  header->handle_max,
                                  header->name_max,
                                  header->area_max,
                                  header->size_max,
                                  XXH3_64bits(&header->origin, sizeof header->origin)};

    return XXH3_64bits(constants, sizeof constants);
}

void arena_seal(const struct arena *arena)
{
    arena->header->seal = seal_of(arena->header);
}

const char *arena_damage(const struct arena *arena)
{
    const struct arena_header *header = arena->header;

    if (header->magic != ARENA_MAGIC || header->layout != ARENA_LAYOUT)
        return "is of another kind";
    if (header->seal != seal_of(header))
        return "says other sizes than when it was made";
    if (header->inode_used > header->inode_max || header->file_used > header->file_max ||
        header->handle_used > header->handle_max || header->name_used > header->name_max || header->area_used > header->area_max ||
        header->spilled > header->spill_max)
        return "counts more records than it has room for";
    return header->init_length > INIT_REQUEST_MAX ? "has a first request that does not fit" : NULL;
}

/* ---- inodes ---- */

static bool is_type(uint32_t type)
{
    return type == S_IFREG || type == S_IFDIR || type == S_IFLNK || type == S_IFCHR || type == S_IFBLK || type == S_IFIFO ||
           type == S_IFSOCK;
}

/* The generation is made of the rest of who it is. The root's was made before there was a key, and a retired number is not its own. */
static bool is_itself(const struct inode_table *table, uint32_t slot)
{
    struct identity identity;

    if (slot == INODE_ROOT || table->arena->inodes[slot].number == NUMBER_RETIRED || table->arena->header->key_mark == NO_MARK)
        return true;
    inode_identity(table, slot, &identity);
    return table->arena->inodes[slot].generation == inode_generation(table, &identity);
}

const char *inode_damage(const struct inode_table *table, uint32_t slot)
{
    const struct inode *inode = &table->arena->inodes[slot];
    uint32_t flags = inode->flags;

    if (flags >> 16 != (flags & 0xffff) || flags & ~(uint32_t)INODE_FLAGS)
        return "its flags";
    if (flags & INODE_DAMAGED)
        return "found before";
    if (!is_type(inode->type) || (inode->file && inode->type != S_IFREG))
        return "its type";
    if (inode->handle_length > INODE_HANDLE_MAX || inode->birth.tv_nsec < 0 || inode->birth.tv_nsec >= 1000000000)
        return "its handle or birth";
    if (inode->file > table->arena->header->file_used || inode->lookups > LOOKUPS_MAX || inode->pinned < -1)
        return "its numbers";
    return is_itself(table, slot) ? NULL : "who it is";
}

void inode_make_safe(const struct arena *arena, uint32_t slot)
{
    struct inode *inode = &arena->inodes[slot];

    if (!inode->number && inode->file && inode->file <= arena->header->file_used && arena->files[inode->file].inode == slot) {
        atomic_fetch_or(&inode->flags, INODE_DAMAGED); /* a record's end takes its file first */
        atomic_store(&inode->number, NUMBER_RETIRED);
    }
    if (inode->handle_length > INODE_HANDLE_MAX) /* then its generation is not its own */
        inode->handle_length = 0;
}

/* Another key than the first worker's, or none: nothing can be said any more. */
static void check_key(const struct inode_table *table)
{
    uint64_t mark = XXH3_64bits(&table->key, sizeof table->key) | 2;

    if (!table->arena->header->key_mark)
        table->arena->header->key_mark = mark;
    else if (table->arena->header->key_mark != mark)
        table->arena->header->key_mark = NO_MARK;
}

void inode_mark(struct inode_table *table, uint32_t slot)
{
    _Atomic uint32_t *flags = &table->arena->inodes[slot].flags;
    uint32_t sound = *flags & *flags >> 16 & 0xffff;

    if (*flags != sound * 0x10001)
        atomic_store(flags, sound * 0x10001 & INODE_FLAGS);
    atomic_fetch_or(flags, INODE_DAMAGED);
    inode_doubt(table, slot);
}

void inodes_find_damage(struct inode_table *table)
{
    check_key(table);
    for (uint32_t slot = table->arena->header->inode_used; slot; slot--) {
        struct inode *inode = &table->arena->inodes[slot];
        const char *damage = inode->number ? inode_damage(table, slot) : NULL;
        uint32_t flags = inode->flags;

        if (!damage)
            continue;
        inode_mark(table, slot);
        if (!inode->file && !(flags & INODE_DAMAGED))
            log_line(LOG_WARN, "takeover: inode %llu: its record is damaged (%s): it can be found by its name only",
                     (unsigned long long)inode->number, damage);
    }
}

/* ---- handles, areas, names ---- */

const char *handle_damage(const struct arena *arena, uint32_t number)
{
    const struct handle *handle = &arena->handles[number];
    uint32_t inode = handle->inode;

    if (handle->deny > 1)
        return "its denial";
    if (handle->seal != handle_seal(handle, inode))
        return "what it is of";
    return inode > arena->header->inode_used ? "its inode" : NULL;
}

uint32_t handle_owner(const struct arena *arena, const struct handle *handle, bool search)
{
    uint32_t inode = handle->inode, used = arena->header->inode_used;

    for (uint32_t slot = used; search && slot && handle->seal != handle_seal(handle, inode); slot--) {
        if (arena->inodes[slot].number && handle->seal == handle_seal(handle, slot))
            return slot;
    }
    return inode && inode <= used && arena->inodes[inode].number ? inode : 0;
}

const char *area_damage(const struct arena *arena, uint32_t number)
{
    const struct area *area = &arena->areas[number];

    return area->incarnation > AREA_INCARNATIONS || area->generation > UINT32_MAX ? "its numbers" : NULL;
}

/* A name's cells but the last are full, and none has anything behind its end. */
static bool is_cell(const struct name *cell)
{
    static const char nothing[NAME_CELL_TEXT];
    size_t length = strnlen(cell->text, NAME_CELL_TEXT);

    if (memcmp(cell->text + length, nothing, NAME_CELL_TEXT - length))
        return false;
    return length && (length == NAME_CELL_TEXT || !cell->next) && !memchr(cell->text, '/', length);
}

const char *name_damage(const struct arena *arena, uint32_t head, uint32_t *cells)
{
    const char *text = arena->names[head <= arena->header->name_used ? head : 0].text;
    uint32_t cell = head;

    *cells = 0;
    for (; cell; cell = arena->names[cell].next) {
        if (cell > arena->header->name_used || ++*cells * NAME_CELL_TEXT >= NAME_LENGTH_MAX + NAME_CELL_TEXT)
            return "its chain";
        if (!is_cell(&arena->names[cell]))
            return "its text";
    }
    return !head || !strcmp(text, ".") || !strcmp(text, "..") ? "its text" : NULL;
}
