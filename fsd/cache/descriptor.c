#include "config.h"

#include "cache/descriptor.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "store/store.h"

/* Beside the cache: what is open for the mount's life (standard streams, session, store, its private folder's files, channels, rings, log), and what
 * each thread opens for the length of a call: a folder on the way to a file and what is opened in it. */
#define FIXED 32
#define TRANSIENT 2
/* Of those in the cache, a thread uses so many at a time. Not all threads serve: flusher, checkpointer, probe client, main. */
#define USED_AT_ONCE 2
#define OTHER_THREADS 4
#define LIMIT_MAX 65536
#define WAIT_NANOSECONDS 10000000l
#define TRIES 1000 /* 10 seconds: then it is not us who have all that the system can open */

static struct descriptor *find(struct descriptor_cache *cache, uint32_t inode)
{
    return cache->of_inode[inode] ? &cache->all[cache->of_inode[inode] - 1] : NULL;
}

/* A place is free again. It is on no list. */
static void give_back(struct descriptor_cache *cache, struct descriptor *descriptor)
{
    *descriptor = (struct descriptor){.fd = -1};
    TAILQ_INSERT_TAIL(&cache->free, descriptor, link);
    pthread_cond_signal(&cache->freed);
}

static void put_away(struct descriptor_cache *cache, struct descriptor *descriptor)
{
    if (descriptor->inode)
        cache->of_inode[descriptor->inode] = 0;
    close(descriptor->fd);
    give_back(cache, descriptor);
}

static bool put_away_idle(struct descriptor_cache *cache)
{
    struct descriptor *descriptor = TAILQ_FIRST(&cache->idle);

    if (descriptor) {
        TAILQ_REMOVE(&cache->idle, descriptor, link);
        put_away(cache, descriptor);
    }
    return descriptor;
}

/* A place for one that is about to be opened: there are never more open than places. NULL when all are in use. */
static struct descriptor *take(struct descriptor_cache *cache)
{
    struct descriptor *descriptor;

    if (TAILQ_EMPTY(&cache->free))
        put_away_idle(cache);
    descriptor = TAILQ_FIRST(&cache->free);
    if (descriptor)
        TAILQ_REMOVE(&cache->free, descriptor, link);
    return descriptor;
}

static void use(struct descriptor_cache *cache, struct descriptor *descriptor)
{
    if (descriptor->uses++ == 0)
        TAILQ_REMOVE(&cache->idle, descriptor, link);
}

static void unuse(struct descriptor_cache *cache, struct descriptor *descriptor)
{
    if (--descriptor->uses)
        return;
    TAILQ_INSERT_TAIL(&cache->idle, descriptor, link);
    pthread_cond_signal(&cache->freed);
}

/* Two threads may have opened the same inode: the first stays. It is idle, or as it was. */
static struct descriptor *insert(struct descriptor_cache *cache, struct descriptor *place, uint32_t inode, int fd)
{
    struct descriptor *descriptor = find(cache, inode);

    if (descriptor) {
        close(fd);
        give_back(cache, place);
        return descriptor;
    }
    *place = (struct descriptor){.fd = fd, .inode = inode};
    TAILQ_INSERT_TAIL(&cache->idle, place, link);
    cache->of_inode[inode] = place - cache->all + 1;
    return place;
}

/* The lock is held. */
static void wait_a_moment(struct descriptor_cache *cache)
{
    struct timespec until = clock_after(WAIT_NANOSECONDS);

    clock_wait(&cache->freed, &cache->lock, &until);
}

bool descriptor_spare(struct descriptor_cache *cache, int error, int *tries)
{
    if ((error != -EMFILE && error != -ENFILE) || ++*tries > TRIES)
        return false;
    pthread_mutex_lock(&cache->lock);
    if (!put_away_idle(cache))
        wait_a_moment(cache);
    pthread_mutex_unlock(&cache->lock);
    return true;
}

static int open_inode(struct descriptor_cache *cache, uint32_t inode)
{
    int fd, tries = 0;

    do
        fd = inode_open(cache->inodes, inode);
    while (descriptor_spare(cache, fd, &tries));
    return fd;
}

int descriptor_get(struct descriptor_cache *cache, uint32_t inode, struct descriptor **out)
{
    struct descriptor *descriptor, *place = NULL;
    int fd = 0;

    pthread_mutex_lock(&cache->lock);
    while (!(descriptor = find(cache, inode)) && !(place = take(cache)))
        wait_a_moment(cache);
    if (!descriptor) {
        pthread_mutex_unlock(&cache->lock);
        fd = open_inode(cache, inode);
        pthread_mutex_lock(&cache->lock);
        if (fd < 0)
            give_back(cache, place);
        else
            descriptor = insert(cache, place, inode, fd);
    }
    if (descriptor)
        use(cache, descriptor);
    pthread_mutex_unlock(&cache->lock);
    *out = descriptor;
    if (descriptor)
        inode_hold(cache->inodes, inode);
    return descriptor ? 0 : fd;
}

static bool is_writable(const struct descriptor *descriptor)
{
    int flags = fcntl(descriptor->fd, F_GETFL);

    return flags >= 0 && !(flags & O_PATH) && (flags & O_ACCMODE) == O_RDWR;
}

/* What was opened when it could only be read is opened again, in its place: whoever uses it goes on. */
static int make_writable(struct descriptor_cache *cache, struct descriptor *descriptor)
{
    int fd, tries = 0, error = 0;

    do
        fd = inode_open_writable(cache->inodes, descriptor->inode);
    while (descriptor_spare(cache, fd, &tries));
    if (fd < 0)
        return fd;
    if (dup3(fd, descriptor->fd, O_CLOEXEC) < 0)
        error = -errno;
    close(fd);
    return error;
}

int descriptor_get_writable(struct descriptor_cache *cache, uint32_t inode, struct descriptor **out)
{
    int error = descriptor_get(cache, inode, out);

    if (error || (*out)->writable)
        return error;
    if (!is_writable(*out))
        error = make_writable(cache, *out);
    if (!error) {
        (*out)->writable = true;
        return 0;
    }
    descriptor_put(cache, *out);
    *out = NULL;
    return error;
}

int descriptor_get_direct(struct descriptor_cache *cache, const struct descriptor *of, struct descriptor **out)
{
    struct descriptor *place;
    char path[32];
    int fd = -1, error = -EMFILE;

    pthread_mutex_lock(&cache->lock);
    place = take(cache);
    pthread_mutex_unlock(&cache->lock);
    if (place) {
        snprintf(path, sizeof path, "/proc/self/fd/%d", of->fd);
        fd = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
        error = fd < 0 ? -errno : 0;
    }
    pthread_mutex_lock(&cache->lock);
    if (!error)
        *place = (struct descriptor){.fd = fd, .uses = 1};
    else if (place)
        give_back(cache, place);
    pthread_mutex_unlock(&cache->lock);
    *out = error ? NULL : place;
    return error;
}

void descriptor_put(struct descriptor_cache *cache, struct descriptor *descriptor)
{
    uint32_t inode = descriptor->inode;

    pthread_mutex_lock(&cache->lock);
    if (inode)
        unuse(cache, descriptor);
    else
        put_away(cache, descriptor);
    pthread_mutex_unlock(&cache->lock);
    if (inode)
        inode_put(cache->inodes, inode);
}

void descriptor_adopt(struct descriptor_cache *cache, uint32_t inode, int fd)
{
    struct descriptor *place;

    pthread_mutex_lock(&cache->lock);
    place = take(cache);
    if (place)
        insert(cache, place, inode, fd);
    else
        close(fd);
    pthread_mutex_unlock(&cache->lock);
}

/* The lock is held. A pin is a use that outlives the worker. */
static void pin(struct descriptor_cache *cache, struct descriptor *descriptor)
{
    descriptor->pinned = true;
    cache->pins++;
    use(cache, descriptor);
    atomic_store(&cache->inodes->arena->inodes[descriptor->inode].pinned, descriptor->fd);
}

static void unpin(struct descriptor_cache *cache, struct descriptor *descriptor)
{
    atomic_store(&cache->inodes->arena->inodes[descriptor->inode].pinned, -1);
    descriptor->pinned = false;
    cache->pins--;
    user_give(user_find(&cache->inodes->users, cache->inodes->arena->inodes[descriptor->inode].pin_user), HOLDS_PINS);
    unuse(cache, descriptor);
}

int descriptor_pin(struct descriptor_cache *cache, uint32_t inode, uint32_t user)
{
    struct users *users = &cache->inodes->users;
    struct descriptor *descriptor;
    int error = descriptor_get(cache, inode, &descriptor);

    if (error)
        return error;
    pthread_mutex_lock(&cache->lock);
    if (!descriptor->pinned && cache->pins >= cache->limit / 2)
        error = -EMFILE;
    else if (!descriptor->pinned && !user_take(users, user_find(users, user), HOLDS_PINS))
        error = -EDQUOT;
    else if (!descriptor->pinned) {
        cache->inodes->arena->inodes[inode].pin_user = user;
        pin(cache, descriptor);
    }
    pthread_mutex_unlock(&cache->lock);
    descriptor_put(cache, descriptor);
    return error;
}

void descriptor_share(struct descriptor_cache *cache, unsigned percent)
{
    cache->inodes->users.limits[HOLDS_PINS] = (uint64_t)cache->limit / 2 * percent / 100;
}

void descriptor_unpin(struct descriptor_cache *cache, uint32_t inode)
{
    struct descriptor *descriptor;

    pthread_mutex_lock(&cache->lock);
    descriptor = find(cache, inode);
    if (descriptor && descriptor->pinned)
        unpin(cache, descriptor);
    pthread_mutex_unlock(&cache->lock);
}

int descriptor_detach(struct descriptor_cache *cache, uint32_t inode)
{
    struct descriptor *descriptor;
    int fd = -1;

    pthread_mutex_lock(&cache->lock);
    descriptor = find(cache, inode);
    if (descriptor) {
        if (descriptor->pinned)
            unpin(cache, descriptor);
        assert(!descriptor->uses); /* each use holds the record */
        TAILQ_REMOVE(&cache->idle, descriptor, link);
        fd = descriptor->fd;
        cache->of_inode[inode] = 0;
        give_back(cache, descriptor);
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
static int close_orphans(struct descriptor_cache *cache, const int *keep, size_t count)
{
    DIR *folder = opendir("/proc/self/fd");
    struct dirent *entry;
    int error = folder ? 0 : -errno;

    while (!error && (entry = readdir(folder))) {
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
            error = store_end_orphan(fd);
    }
    if (folder)
        closedir(folder);
    return error;
}

/* What a record says is pinned must be that file, and no descriptor of somebody else's. */
static bool is_pinned(struct inode_table *inodes, uint32_t inode, int fd, const int *keep, size_t count)
{
    bool retired = inodes->arena->inodes[inode].number == NUMBER_RETIRED; /* its number is another's now */
    struct identity identity;

    inode_identity(inodes, inode, &identity);
    return !is_kept(fd, keep, count) && fcntl(fd, F_GETFD) >= 0 && (retired || identity_check(fd, &identity) != -ESTALE);
}

/* Half of the places may be pinned, a quarter is the checkpointer's; what is left must be enough for all threads, so that none ever waits for another
 * that waits, too. */
static int find_limit(struct descriptor_cache *cache, uint32_t threads)
{
    uint32_t all = threads + OTHER_THREADS, beside = FIXED + TRANSIENT * all, least = 4 * USED_AT_ONCE * all;
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files))
        return -errno;
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_cur < beside + least) {
        log_line(LOG_FATAL, "the limit of open files is %llu, threads=%u needs %u: raise it (ulimit -n) or give fewer threads",
                 (unsigned long long)files.rlim_cur, threads, beside + least);
        return -EMFILE;
    }
    cache->limit = (files.rlim_cur > LIMIT_MAX ? LIMIT_MAX : files.rlim_cur) - beside;
    return 0;
}

int descriptor_cache_open(struct descriptor_cache *cache, struct inode_table *inodes, uint32_t threads, const int *keep,
                          size_t keep_count)
{
    struct arena *arena = inodes->arena;
    int error;

    *cache = (struct descriptor_cache){.inodes = inodes, .lock = PTHREAD_MUTEX_INITIALIZER, .freed = PTHREAD_COND_INITIALIZER};
    TAILQ_INIT(&cache->idle);
    TAILQ_INIT(&cache->free);
    error = find_limit(cache, threads);
    if (error)
        return error;
    cache->all = calloc(cache->limit, sizeof *cache->all);
    cache->of_inode = mmap(NULL, (arena->header->inode_max + 1ul) * sizeof(uint32_t), PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (!cache->all || cache->of_inode == MAP_FAILED)
        return -ENOMEM;
    for (uint32_t i = 0; i < cache->limit; i++)
        TAILQ_INSERT_TAIL(&cache->free, &cache->all[i], link);
    for (uint32_t i = 1; i <= arena->header->inode_used; i++) {
        int fd = arena->inodes[i].number ? arena->inodes[i].pinned : -1;
        bool pinned = fd >= 0 && is_pinned(inodes, i, fd, keep, keep_count);
        struct descriptor *place = pinned ? take(cache) : NULL;

        if (fd >= 0 && !pinned)
            atomic_store(&arena->inodes[i].pinned, -1);
        if (place) {
            user_count(user_find(&inodes->users, arena->inodes[i].pin_user), HOLDS_PINS);
            pin(cache, insert(cache, place, i, fd));
        }
    }
    return close_orphans(cache, keep, keep_count);
}
