#include "config.h"

#include "cache/descriptor.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "log.h"

/* Left for folders being listed, rings, the session and the library's own. */
#define RESERVED 128
#define LIMIT_MAX 65536

static struct descriptor *find(struct descriptor_cache *cache, uint32_t inode)
{
    return cache->of_inode[inode] ? &cache->all[cache->of_inode[inode] - 1] : NULL;
}

static void detach(struct descriptor_cache *cache, struct descriptor *descriptor)
{
    cache->of_inode[descriptor->inode] = 0;
    close(descriptor->fd);
    descriptor->inode = 0;
}

/* The lock is held. NULL when all are in use. */
static struct descriptor *take(struct descriptor_cache *cache)
{
    struct descriptor *descriptor = TAILQ_FIRST(&cache->free);

    if (descriptor) {
        TAILQ_REMOVE(&cache->free, descriptor, link);
        return descriptor;
    }
    TAILQ_FOREACH (descriptor, &cache->idle, link) {
        if (cache->inodes->arena->inodes[descriptor->inode].pinned == descriptor->fd)
            continue;
        TAILQ_REMOVE(&cache->idle, descriptor, link);
        detach(cache, descriptor);
        return descriptor;
    }
    return NULL;
}

static void use(struct descriptor_cache *cache, struct descriptor *descriptor)
{
    if (descriptor->uses++ == 0)
        TAILQ_REMOVE(&cache->idle, descriptor, link);
}

/* The lock is held. Two threads may have opened the same inode: the first stays. */
static struct descriptor *insert(struct descriptor_cache *cache, uint32_t inode, int fd)
{
    struct descriptor *descriptor = find(cache, inode);

    if (descriptor) {
        close(fd);
        return descriptor;
    }
    descriptor = take(cache);
    if (!descriptor) {
        close(fd);
        return NULL;
    }
    *descriptor = (struct descriptor){.fd = fd, .inode = inode};
    TAILQ_INSERT_TAIL(&cache->idle, descriptor, link);
    cache->of_inode[inode] = descriptor - cache->all + 1;
    return descriptor;
}

int descriptor_get(struct descriptor_cache *cache, uint32_t inode, struct descriptor **out)
{
    struct descriptor *descriptor;
    int fd;

    pthread_mutex_lock(&cache->lock);
    descriptor = find(cache, inode);
    if (!descriptor) {
        pthread_mutex_unlock(&cache->lock);
        fd = inode_open(cache->inodes, inode);
        if (fd < 0)
            return fd;
        pthread_mutex_lock(&cache->lock);
        descriptor = insert(cache, inode, fd);
    }
    if (descriptor)
        use(cache, descriptor);
    pthread_mutex_unlock(&cache->lock);
    *out = descriptor;
    if (descriptor)
        inode_hold(cache->inodes, inode);
    return descriptor ? 0 : -EMFILE;
}

void descriptor_put(struct descriptor_cache *cache, struct descriptor *descriptor)
{
    uint32_t inode = descriptor->inode;

    pthread_mutex_lock(&cache->lock);
    if (--descriptor->uses == 0)
        TAILQ_INSERT_TAIL(&cache->idle, descriptor, link);
    pthread_mutex_unlock(&cache->lock);
    inode_put(cache->inodes, inode);
}

void descriptor_adopt(struct descriptor_cache *cache, uint32_t inode, int fd)
{
    pthread_mutex_lock(&cache->lock);
    insert(cache, inode, fd);
    pthread_mutex_unlock(&cache->lock);
}

int descriptor_pin(struct descriptor_cache *cache, uint32_t inode)
{
    struct descriptor *descriptor;
    int error = descriptor_get(cache, inode, &descriptor);

    if (error)
        return error;
    atomic_store(&cache->inodes->arena->inodes[inode].pinned, descriptor->fd);
    descriptor_put(cache, descriptor);
    return 0;
}

int descriptor_detach(struct descriptor_cache *cache, uint32_t inode)
{
    struct descriptor *descriptor;
    int fd = -1;

    pthread_mutex_lock(&cache->lock);
    atomic_store(&cache->inodes->arena->inodes[inode].pinned, -1);
    descriptor = find(cache, inode);
    if (descriptor) {
        assert(!descriptor->uses); /* each use holds the record */
        TAILQ_REMOVE(&cache->idle, descriptor, link);
        TAILQ_INSERT_TAIL(&cache->free, descriptor, link);
        fd = descriptor->fd;
        cache->of_inode[inode] = 0;
        descriptor->inode = 0;
    }
    pthread_mutex_unlock(&cache->lock);
    return fd;
}

static bool is_kept(int fd, const int *keep, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (keep[i] == fd)
            return true;
    }
    return fd <= STDERR_FILENO;
}

/* What a dead worker had open is still open here: the table of descriptors is shared with the keeper. */
static void close_orphans(struct descriptor_cache *cache, const int *keep, size_t count)
{
    DIR *folder = opendir("/proc/self/fd");
    struct dirent *entry;

    if (!folder)
        return;
    while ((entry = readdir(folder))) {
        int fd = atoi(entry->d_name);

        if (entry->d_name[0] == '.' || fd == dirfd(folder) || is_kept(fd, keep, count))
            continue;
        for (uint32_t i = 0; i < cache->limit; i++) {
            if (cache->all[i].inode && cache->all[i].fd == fd)
                fd = -1;
            if (!cache->all[i].inode || fd < 0) /* adopted ones are at the start */
                break;
        }
        if (fd >= 0)
            close(fd);
    }
    closedir(folder);
}

int descriptor_cache_open(struct descriptor_cache *cache, struct inode_table *inodes, const int *keep, size_t keep_count)
{
    struct arena *arena = inodes->arena;
    struct rlimit files;

    *cache = (struct descriptor_cache){.inodes = inodes, .lock = PTHREAD_MUTEX_INITIALIZER};
    TAILQ_INIT(&cache->idle);
    TAILQ_INIT(&cache->free);
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    cache->limit = files.rlim_cur > LIMIT_MAX ? LIMIT_MAX : files.rlim_cur;
    cache->limit = cache->limit > 2 * RESERVED ? cache->limit - RESERVED : cache->limit / 2;
    cache->all = calloc(cache->limit, sizeof *cache->all);
    cache->of_inode = mmap(NULL, (arena->header->inode_max + 1ul) * sizeof(uint32_t), PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (!cache->all || cache->of_inode == MAP_FAILED)
        return -ENOMEM;
    for (uint32_t i = 0; i < cache->limit; i++)
        TAILQ_INSERT_TAIL(&cache->free, &cache->all[i], link);
    for (uint32_t i = 1; i <= arena->header->inode_used; i++) {
        if (arena->inodes[i].number && arena->inodes[i].pinned >= 0)
            insert(cache, i, arena->inodes[i].pinned);
    }
    close_orphans(cache, keep, keep_count);
    return 0;
}
