#include "config.h"

#include "cache/inode.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "cache/area.h"
#include "cache/damage.h"
#include "cache/index.h"
#include "cache/place.h"
#include "cache/reference.h"
#include "log.h"

#define STATX_WANTED (STATX_BASIC_STATS | STATX_BTIME)

static void write_identity(struct inode *inode, const struct identity *identity)
{
    inode->type = identity->type;
    inode->birth = identity->birth;
    inode->handle_length = 0;
    if (identity->handle_length <= INODE_HANDLE_MAX) {
        inode->handle_type = identity->handle_type;
        inode->handle_length = identity->handle_length;
        memcpy(inode->handle, identity->handle, identity->handle_length);
    }
}

/* The table's lock is held. */
static int add(struct inode_table *table, const struct identity *identity, uint64_t lookups, uint32_t *slot)
{
    struct inode *inode;

    *slot = slots_take(&table->slots);
    if (!*slot)
        return -ENFILE;
    inode = &table->arena->inodes[*slot];
    memset(inode, 0, sizeof *inode);
    inode->pinned = -1;
    write_identity(inode, identity);
    inode->generation = inode_generation(table, identity);
    inode->lookups = lookups;
    atomic_store(&inode->number, identity->inode);
    index_link(table, *slot);
    return 0;
}

/* The store used the number again while the kernel still refers to the old file: the old record stays for as long as it is held, out of reach, so
 * that nothing of the old file gets into the new one. Its lookups are the new one's to be forgotten: the kernel tells them by the number.
 * Returns them. */
static uint64_t retire_number(struct inode_table *table, uint32_t slot)
{
    struct inode *inode = &table->arena->inodes[slot];

    index_unlink(table, slot);
    if (table->areas)
        area_forget(table->areas, inode->number, inode->generation, true);
    atomic_store(&inode->number, NUMBER_RETIRED);
    index_link(table, slot);
    return atomic_exchange(&inode->lookups, 0);
}

/* ---- the life of a record ---- */

static bool is_unused(const struct inode_table *table, uint32_t slot)
{
    return slot != INODE_ROOT && !table->arena->inodes[slot].lookups && !table->holds[slot];
}

/* The one death of a record, and of its file's. The file's record ends with the store after which it is not named back: a worker that dies
 * anywhere in between leaves what its successor ends. The lock is held. Returns a descriptor to be closed, or -1; and a folder's record to be
 * put, or 0. */
static int end(struct inode_table *table, uint32_t slot, uint32_t *folder)
{
    struct inode *inode = &table->arena->inodes[slot];
    uint32_t file = inode->file;
    int fd;

    if (inode->flags & (INODE_UNSYNCED | INODE_SYNCING) && !(inode->flags & INODE_UNLINKED))
        atomic_fetch_add(&table->arena->header->unsynced, 1);
    index_unlink(table, slot);
    atomic_store(&inode->file, 0);
    if (file)
        atomic_store(&table->arena->files[file].inode, 0);
    if (table->areas)
        area_forget(table->areas, inode->number, inode->generation, inode->flags & INODE_UNLINKED);
    atomic_store(&inode->number, 0);
    *folder = place_clear(table, slot);
    fd = table->ended ? table->ended(table->context, slot, file) : -1;
    slots_give(&table->slots, slot);
    return fd;
}

/* A removed file's space is free at once; its name goes when the journal has nothing of it any more. */
static void close_ended(int fd, uint32_t flags)
{
    struct stat stat;

    if (flags & INODE_REMOVED && !fstat(fd, &stat) && stat.st_nlink == 1 && ftruncate(fd, 0))
        log_line(LOG_TRACE, "a removed file keeps its space until it is swept: %s", strerror(errno));
    close(fd);
}

/* The look before the lock is enough: of two who drop the last reference of either kind, the second sees that both are gone. With the last
 * record that named a folder, the folder's may end, too. */
static void end_if_unused(struct inode_table *table, uint32_t slot)
{
    uint32_t folder;

    for (; slot && is_unused(table, slot); slot = folder) {
        uint32_t flags = table->arena->inodes[slot].flags;
        int fd = -1;

        folder = 0;
        pthread_mutex_lock(&table->lock);
        if (table->arena->inodes[slot].number && is_unused(table, slot))
            fd = end(table, slot, &folder);
        pthread_mutex_unlock(&table->lock);
        if (fd >= 0)
            close_ended(fd, flags);
        if (folder && atomic_fetch_sub(&table->holds[folder], 1) != 1)
            folder = 0;
    }
}

void inode_put(struct inode_table *table, uint32_t slot)
{
    assert(table->holds[slot]);
    if (atomic_fetch_sub(&table->holds[slot], 1) == 1)
        end_if_unused(table, slot);
}

/* ---- looking up ---- */

/* Its generation may prove a damaged record to be that of what was found: it is made so, and known as damaged. */
static bool mend(struct inode_table *table, uint32_t slot, const struct identity *found)
{
    struct inode *inode = &table->arena->inodes[slot];

    if (!inode->number || inode->generation != inode_generation(table, found))
        return false;
    index_unlink(table, slot);
    inode->number = found->inode;
    write_identity(inode, found);
    index_link(table, slot);
    atomic_fetch_or(&inode->flags, INODE_DAMAGED);
    return true;
}

/* Finds or makes the record of what was found. The table's lock is held. Returns in `retired` a record that may end. */
static int find_or_add(struct inode_table *table, const struct identity *found, uint32_t *slot, uint32_t *retired)
{
    struct identity known;
    uint64_t lookups = 0;

    *retired = 0;
    *slot = index_find(table, found->inode);
    if (*slot)
        inode_identity(table, *slot, &known);
    if (*slot && (identity_same(found, &known) || mend(table, *slot, found)))
        return 0;
    for (uint32_t i = 0; i < table->doubted_count; i++) {
        if (mend(table, table->doubted[i], found)) {
            *slot = table->doubted[i];
            return 0;
        }
    }
    if (*slot) {
        lookups = retire_number(table, *slot);
        *retired = *slot;
    }
    return add(table, found, lookups, slot);
}

/* A handle is asked for once in a record's life, or where nothing else tells a file from an earlier one of its number. */
static int complete(struct inode_table *table, int folder, const char *name, struct identity *found)
{
    uint64_t number = found->inode;
    int error;

    if (!table->handles || (identity_is_born(found) && inode_of_identity(table, found)))
        return 0;
    error = identity_take(folder, name, true, found); /* there are births where there are handles */
    return !error && found->inode != number ? -EAGAIN : error;
}

/* The table's lock is held. */
static void count(struct inode_table *table, uint32_t slot, struct effects *effects)
{
    uint32_t counted = effects->counted;

    if (slot == INODE_ROOT) /* always there */
        return;
    assert(counted < ENTRIES_MAX);
    effects->slots[counted] = slot;
    reference_set(table->arena, slot, table->arena->inodes[slot].lookups + 1, &effects->counted, counted + 1);
}

int inode_lookup(struct inode_table *table, uint32_t parent, int folder, const char *name, struct statx *stat, uint32_t *slot,
                 struct effects *effects)
{
    uint32_t left = 0, retired;
    struct identity found;
    int error;

    do {
        inode_modes_hold(table);
        error = statx(folder, name, AT_SYMLINK_NOFOLLOW | (*name ? 0 : AT_EMPTY_PATH), STATX_WANTED, stat) ? -errno : 0;
        inode_modes_release(table);
        if (error)
            return error;
        inode_identity_of(table, stat, &found);
        error = found.device == table->device ? complete(table, folder, name, &found) : -EXDEV;
    } while (error == -EAGAIN); /* replaced in between */
    if (error)
        return error;
    pthread_mutex_lock(&table->lock);
    error = find_or_add(table, &found, slot, &retired);
    if (!error && parent && *slot != INODE_ROOT)
        left = place_set(table, *slot, parent, name);
    if (!error)
        count(table, *slot, effects);
    pthread_mutex_unlock(&table->lock);
    if (left)
        inode_put(table, left);
    if (retired)
        end_if_unused(table, retired);
    return error;
}

void inode_forget(struct inode_table *table, uint32_t slot, uint64_t count, _Atomic uint32_t *counter, uint32_t value)
{
    uint64_t lookups;

    if (slot == INODE_ROOT)
        return;
    pthread_mutex_lock(&table->lock);
    lookups = table->arena->inodes[slot].lookups;
    reference_set(table->arena, slot, lookups > count ? lookups - count : 0, counter, value);
    pthread_mutex_unlock(&table->lock);
    end_if_unused(table, slot);
}

void inode_end_unused(struct inode_table *table)
{
    for (uint32_t i = 0; i < table->left_count; i++)
        end_if_unused(table, table->left[i]);
}

void inode_rename(struct inode_table *table, uint32_t slot, uint32_t parent, const char *name)
{
    uint32_t left;

    pthread_mutex_lock(&table->lock);
    left = place_set(table, slot, parent, name);
    pthread_mutex_unlock(&table->lock);
    if (left)
        inode_put(table, left);
}

void inode_unname(struct inode_table *table, uint32_t slot, uint32_t parent, const char *name)
{
    uint32_t left = 0;

    pthread_mutex_lock(&table->lock);
    if (place_is(table, slot, parent, name))
        left = place_clear(table, slot);
    pthread_mutex_unlock(&table->lock);
    if (left)
        inode_put(table, left);
}

bool inode_is_called(struct inode_table *table, uint32_t slot, uint32_t parent, const char *name, uint32_t links)
{
    const struct inode *inode = &table->arena->inodes[slot];
    bool called;

    pthread_mutex_lock(&table->lock);
    called = inode->lookups && (links > 1 || !inode->place || place_is(table, slot, parent, name));
    pthread_mutex_unlock(&table->lock);
    return called;
}

static void take_over(struct inode_table *table, uint32_t slot)
{
    const struct inode *inode = &table->arena->inodes[slot];

    inode_make_safe(table->arena, slot);
    if (!inode->number) {
        slots_give(&table->slots, slot);
        return;
    }
    index_link(table, slot);
    if (!inode->lookups && slot != INODE_ROOT)
        table->left[table->left_count++] = slot;
}

int inode_table_open(struct inode_table *table, struct arena *arena, int store)
{
    uint32_t used = arena->header->inode_used, slot;
    pthread_rwlockattr_t attributes;
    struct identity root;
    int error;

    *table = (struct inode_table){.arena = arena, .store = store, .private = -1, .removed = -1, .lock = PTHREAD_MUTEX_INITIALIZER};
    users_open(&table->users);
    reference_redo(arena);
    pthread_rwlockattr_init(&attributes); /* or who moves a name might wait as long as files are opened */
    pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&table->moving, &attributes);
    pthread_rwlock_init(&table->modes, &attributes);
    table->handles = identity_handles(store);
    table->births = identity_births(store);
    error = identity_take(store, "", table->handles, &root);
    if (!error)
        error = index_open(table);
    if (error)
        return error;
    if (!table->births)
        root.birth = (struct timespec){0};
    table->root = root.inode;
    table->device = root.device;
    if (used) { /* whatever its record says */
        arena->inodes[INODE_ROOT].number = root.inode;
        write_identity(&arena->inodes[INODE_ROOT], &root);
    }
    for (slot = used; slot; slot--)
        take_over(table, slot);
    error = places_take_over(table);
    if (!error && !used) /* a new arena: the root is the first slot */
        error = add(table, &root, 1, &slot);
    return error;
}
