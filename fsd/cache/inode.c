#include "config.h"

#include "cache/inode.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "log.h"

#define HASH_BITS 20
#define HASH_SIZE (1u << HASH_BITS)
#define STATX_WANTED (STATX_BASIC_STATS | STATX_BTIME)
#define FILE_ID_INO32_GEN 1 /* a handle of inode number and generation; ext4 takes generation 0 for any */
#define DEPTH_MAX 2048

static uint32_t bucket(uint64_t number)
{
    return number * 0x9e3779b97f4a7c15ull >> (64 - HASH_BITS);
}

static uint32_t find(const struct inode_table *table, uint64_t number)
{
    uint32_t slot = table->heads[bucket(number)];

    while (slot && table->arena->inodes[slot].number != number)
        slot = table->next[slot];
    return slot;
}

static void link_slot(struct inode_table *table, uint32_t slot)
{
    uint32_t *head = &table->heads[bucket(table->arena->inodes[slot].number)];

    table->next[slot] = *head;
    *head = slot;
}

static void unlink_slot(struct inode_table *table, uint32_t slot)
{
    uint32_t *at = &table->heads[bucket(table->arena->inodes[slot].number)];

    while (*at != slot)
        at = &table->next[*at];
    *at = table->next[slot];
}

static uint64_t handle_generation(const struct inode *inode)
{
    uint32_t hash = 2166136261u; /* FNV-1a: stable over mounts, which is all that is asked of it */

    for (uint32_t i = 0; i < inode->handle_length; i++)
        hash = (hash ^ inode->handle[i]) * 16777619u;
    hash = (hash ^ (uint32_t)inode->birth.tv_sec) * 16777619u;
    return (hash ^ (uint32_t)inode->birth.tv_nsec) * 16777619u;
}

static void take_handle(struct inode_table *table, struct inode *inode, int folder, const char *name)
{
    union {
        struct file_handle handle;
        char space[sizeof(struct file_handle) + INODE_HANDLE_MAX];
    } at = {.handle.handle_bytes = INODE_HANDLE_MAX};
    int mount;

    if (!table->handles || name_to_handle_at(folder, name, &at.handle, &mount, *name ? 0 : AT_EMPTY_PATH))
        return;
    inode->handle_type = at.handle.handle_type;
    inode->handle_length = at.handle.handle_bytes;
    memcpy(inode->handle, at.handle.f_handle, at.handle.handle_bytes);
}

static int open_handle(const struct inode_table *table, int type, const void *bytes, uint32_t length, int flags)
{
    union {
        struct file_handle handle;
        char space[sizeof(struct file_handle) + INODE_HANDLE_MAX];
    } at = {.handle = {.handle_bytes = length, .handle_type = type}};
    int fd;

    memcpy(at.handle.f_handle, bytes, length);
    fd = open_by_handle_at(table->store, &at.handle, flags);
    return fd < 0 ? -errno : fd;
}

static void set_name(struct inode_table *table, struct inode *inode, uint32_t parent, const char *name)
{
    if (table->handles && inode->handle_length)
        return;
    inode->parent = parent;
    if (!inode->name)
        inode->name = slots_take(&table->names);
    if (inode->name) {
        struct name *at = &table->arena->names[inode->name];

        strncpy(at->text, name, sizeof at->text - 1);
        atomic_store(&at->used, 1);
    }
}

/* The table's lock is held. */
static int add(struct inode_table *table, const struct statx *stat, uint32_t parent, int folder, const char *name, uint32_t *slot)
{
    struct inode *inode;

    *slot = slots_take(&table->slots);
    if (!*slot)
        return -ENFILE;
    inode = &table->arena->inodes[*slot];
    memset(inode, 0, sizeof *inode);
    inode->type = stat->stx_mode & S_IFMT;
    inode->pinned = -1;
    inode->birth = (struct timespec){stat->stx_btime.tv_sec, stat->stx_btime.tv_nsec};
    take_handle(table, inode, folder, name);
    set_name(table, inode, parent, name);
    inode->generation = handle_generation(inode);
    atomic_store(&inode->number, stat->stx_ino);
    link_slot(table, *slot);
    return 0;
}

static bool is_same(const struct inode *inode, const struct statx *stat)
{
    return inode->type == (stat->stx_mode & S_IFMT) && inode->birth.tv_sec == stat->stx_btime.tv_sec &&
           inode->birth.tv_nsec == stat->stx_btime.tv_nsec;
}

/* The store used the number again while the kernel still refers to the old file, which can only be when no descriptor was left to pin
 * it: the old record stays, out of reach, so that nothing of the old file gets into the new one. */
static void forget_number(struct inode_table *table, uint32_t slot)
{
    unlink_slot(table, slot);
    table->next[slot] = 0;
    log_line(LOG_WARN, "inode %llu was used again before it was forgotten: raise the limit of open files",
             (unsigned long long)table->arena->inodes[slot].number);
    table->arena->inodes[slot].number = UINT64_MAX;
    link_slot(table, slot);
}

static int check_device(const struct inode_table *table, const struct statx *stat)
{
    return stat->stx_dev_major == table->device[0] && stat->stx_dev_minor == table->device[1] ? 0 : -EXDEV;
}

int inode_lookup(struct inode_table *table, uint32_t parent, int folder, const char *name, struct statx *stat, uint32_t *slot)
{
    int error = 0;

    if (statx(folder, name, AT_SYMLINK_NOFOLLOW | (*name ? 0 : AT_EMPTY_PATH), STATX_WANTED, stat))
        return -errno;
    error = check_device(table, stat);
    if (error)
        return error;
    pthread_mutex_lock(&table->lock);
    *slot = find(table, stat->stx_ino);
    if (*slot && !is_same(&table->arena->inodes[*slot], stat))
        forget_number(table, *slot), *slot = 0;
    if (!*slot)
        error = add(table, stat, parent, folder, name, slot);
    else if (parent && *slot != INODE_ROOT)
        set_name(table, &table->arena->inodes[*slot], parent, name);
    if (!error)
        table->arena->inodes[*slot].lookups++;
    pthread_mutex_unlock(&table->lock);
    return error;
}

int inode_lookup_number(struct inode_table *table, uint64_t number, struct statx *stat, uint32_t *slot)
{
    uint32_t bytes[2] = {number, 0};
    int fd, error;

    if (number == 1)
        number = table->root;
    pthread_mutex_lock(&table->lock);
    *slot = find(table, number);
    pthread_mutex_unlock(&table->lock);
    if (*slot)
        fd = inode_open(table, *slot);
    else
        fd = table->handles ? open_handle(table, FILE_ID_INO32_GEN, bytes, sizeof bytes, O_PATH | O_CLOEXEC) : -ESTALE;
    if (fd < 0)
        return -ESTALE;
    error = inode_lookup(table, 0, fd, "", stat, slot);
    close(fd);
    return error || stat->stx_ino != number ? -ESTALE : 0;
}

uint32_t inode_of_node(struct inode_table *table, uint64_t node)
{
    uint32_t slot;

    if (node == 1)
        return INODE_ROOT;
    pthread_mutex_lock(&table->lock);
    slot = find(table, node);
    pthread_mutex_unlock(&table->lock);
    return slot;
}

uint64_t inode_node(const struct inode_table *table, uint32_t slot)
{
    return slot == INODE_ROOT ? 1 : table->arena->inodes[slot].number;
}

void inode_hold(struct inode_table *table, uint32_t slot)
{
    atomic_fetch_add(&table->holds[slot], 1);
}

static bool is_unused(const struct inode_table *table, uint32_t slot)
{
    return slot != INODE_ROOT && !table->arena->inodes[slot].lookups && !table->holds[slot];
}

/* The one death of a record, and of its file's. The file's record ends with the store after which it is not named back: a worker that dies
 * anywhere in between leaves what its successor ends. The lock is held. Returns a descriptor to be closed, or -1. */
static int end(struct inode_table *table, uint32_t slot)
{
    struct inode *inode = &table->arena->inodes[slot];
    uint32_t file = inode->file, name = inode->name;
    int fd;

    unlink_slot(table, slot);
    atomic_store(&inode->file, 0);
    if (file)
        atomic_store(&table->arena->files[file].inode, 0);
    atomic_store(&inode->number, 0);
    if (name) {
        table->arena->names[name].used = 0;
        slots_give(&table->names, name);
    }
    fd = table->ended ? table->ended(table->context, slot, file) : -1;
    slots_give(&table->slots, slot);
    return fd;
}

/* The look before the lock is enough: of two who drop the last reference of either kind, the second sees that both are gone. */
static void end_if_unused(struct inode_table *table, uint32_t slot)
{
    int fd = -1;

    if (!is_unused(table, slot))
        return;
    pthread_mutex_lock(&table->lock);
    if (table->arena->inodes[slot].number && is_unused(table, slot))
        fd = end(table, slot);
    pthread_mutex_unlock(&table->lock);
    if (fd >= 0)
        close(fd);
}

void inode_put(struct inode_table *table, uint32_t slot)
{
    assert(table->holds[slot]);
    if (atomic_fetch_sub(&table->holds[slot], 1) == 1)
        end_if_unused(table, slot);
}

void inode_forget(struct inode_table *table, uint32_t slot, uint64_t count)
{
    _Atomic uint64_t *lookups = &table->arena->inodes[slot].lookups;

    if (slot == INODE_ROOT)
        return;
    pthread_mutex_lock(&table->lock);
    *lookups = *lookups > count ? *lookups - count : 0;
    pthread_mutex_unlock(&table->lock);
    end_if_unused(table, slot);
}

void inode_end_unused(struct inode_table *table)
{
    for (uint32_t slot = table->arena->header->inode_used; slot > INODE_ROOT; slot--)
        end_if_unused(table, slot);
}

void inode_rename(struct inode_table *table, uint32_t slot, uint32_t parent, const char *name)
{
    pthread_mutex_lock(&table->lock);
    set_name(table, &table->arena->inodes[slot], parent, name);
    pthread_mutex_unlock(&table->lock);
}

/* Where handles are not permitted: from the root down, one name at a time, never through a symbolic link. */
static int open_chain(struct inode_table *table, uint32_t slot, int flags)
{
    char names[16][256]; /* one batch; deeper paths are opened recursively */
    uint32_t at = slot, depth = 0;
    int folder, fd;

    pthread_mutex_lock(&table->lock);
    while (at != INODE_ROOT && depth < 16) {
        const struct inode *inode = &table->arena->inodes[at];

        if (!inode->number || !inode->name) {
            pthread_mutex_unlock(&table->lock);
            return -ESTALE;
        }
        strcpy(names[depth++], table->arena->names[inode->name].text);
        at = inode->parent;
    }
    pthread_mutex_unlock(&table->lock);
    folder = at == INODE_ROOT ? dup(table->store) : open_chain(table, at, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return at == INODE_ROOT ? -errno : folder;
    while (depth > 1) {
        fd = openat(folder, names[--depth], O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        close(folder);
        if (fd < 0)
            return -errno;
        folder = fd;
    }
    fd = openat(folder, depth ? names[0] : ".", flags | O_NOFOLLOW);
    if (fd < 0)
        fd = -errno;
    close(folder);
    return fd;
}

static int open_with(struct inode_table *table, uint32_t slot, int flags)
{
    const struct inode *inode = &table->arena->inodes[slot];

    if (slot == INODE_ROOT) {
        int fd = openat(table->store, ".", flags);

        return fd < 0 ? -errno : fd;
    }
    if (table->handles && inode->handle_length)
        return open_handle(table, inode->handle_type, inode->handle, inode->handle_length, flags);
    return open_chain(table, slot, flags);
}

/* O_NOATIME is for owners only; reading the store must not cost anyone a time stamp where it can be helped. */
static int open_quietly(struct inode_table *table, uint32_t slot, int flags)
{
    int fd = open_with(table, slot, flags | O_NOATIME | O_CLOEXEC);

    return fd == -EPERM ? open_with(table, slot, flags | O_CLOEXEC) : fd;
}

int inode_open(struct inode_table *table, uint32_t slot)
{
    const struct inode *inode = &table->arena->inodes[slot];
    int fd;

    switch (inode->type) {
    case S_IFREG:
        fd = open_quietly(table, slot, O_RDWR | O_NONBLOCK);
        if (fd == -EACCES || fd == -EROFS || fd == -EPERM || fd == -ETXTBSY)
            fd = open_quietly(table, slot, O_RDONLY | O_NONBLOCK);
        break;
    case S_IFDIR:
        fd = open_quietly(table, slot, O_RDONLY | O_DIRECTORY);
        break;
    default:
        fd = -EACCES;
    }
    return fd == -EACCES ? open_with(table, slot, O_PATH | O_CLOEXEC) : fd;
}

bool inode_path(struct inode_table *table, uint32_t slot, char path[4096])
{
    size_t at = 4095;
    int depth = 0;

    path[at] = 0;
    pthread_mutex_lock(&table->lock);
    while (slot && slot != INODE_ROOT && depth++ < DEPTH_MAX) {
        const struct inode *inode = &table->arena->inodes[slot];
        const char *name = table->arena->names[inode->name].text;
        size_t length = inode->number && inode->name ? strlen(name) : 0;

        if (!length || length + 1 > at)
            break;
        if (path[at])
            path[--at] = '/';
        at -= length;
        memcpy(path + at, name, length);
        slot = inode->parent;
    }
    pthread_mutex_unlock(&table->lock);
    if (slot != INODE_ROOT)
        return false;
    memmove(path, path + at, 4096 - at);
    return true;
}

void inode_identity(const struct inode_table *table, uint32_t slot, struct identity *identity)
{
    const struct inode *inode = &table->arena->inodes[slot];

    *identity = (struct identity){
        .device = makedev(table->device[0], table->device[1]),
        .type = inode->type,
        .inode = inode->number,
        .birth = inode->birth,
        .handle_type = inode->handle_type,
        .handle_length = inode->handle_length,
    };
    memcpy(identity->handle, inode->handle, inode->handle_length);
}

static bool may_open_by_handle(int store)
{
    union {
        struct file_handle handle;
        char space[sizeof(struct file_handle) + INODE_HANDLE_MAX];
    } at = {.handle.handle_bytes = INODE_HANDLE_MAX};
    int mount, fd;

    if (name_to_handle_at(store, "", &at.handle, &mount, AT_EMPTY_PATH))
        return false;
    fd = open_by_handle_at(store, &at.handle, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return false;
    close(fd);
    return true;
}

int inode_table_open(struct inode_table *table, struct arena *arena, int store)
{
    struct arena_header *header = arena->header;
    struct statx stat;
    uint32_t slot, used = header->inode_used;
    size_t next_bytes = (header->inode_max + 1ul) * sizeof(uint32_t);
    int error;

    *table = (struct inode_table){.arena = arena, .store = store, .lock = PTHREAD_MUTEX_INITIALIZER};
    if (statx(store, "", AT_EMPTY_PATH, STATX_WANTED, &stat))
        return -errno;
    table->root = stat.stx_ino;
    table->device[0] = stat.stx_dev_major;
    table->device[1] = stat.stx_dev_minor;
    table->handles = may_open_by_handle(store);
    table->heads = mmap(NULL, HASH_SIZE * sizeof(uint32_t) + 2 * next_bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (table->heads == MAP_FAILED)
        return -errno;
    table->next = table->heads + HASH_SIZE;
    table->holds = (_Atomic uint32_t *)(table->next + header->inode_max + 1);
    error = slots_open(&table->slots, &header->inode_used, header->inode_max);
    if (!error)
        error = slots_open(&table->names, &header->name_used, header->name_max);
    if (error)
        return error;
    if (!used) { /* a new arena: the root is the first slot */
        error = add(table, &stat, 0, store, "", &slot);
        if (error)
            return error;
        arena->inodes[INODE_ROOT].lookups = 1;
        return 0;
    }
    for (slot = used; slot; slot--) {
        if (arena->inodes[slot].number)
            link_slot(table, slot);
        else
            slots_give(&table->slots, slot);
    }
    for (uint32_t name = header->name_used; name; name--) {
        if (!arena->names[name].used)
            slots_give(&table->names, name);
    }
    return 0;
}
