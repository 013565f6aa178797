#include "config.h"

#include "place.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

/* All of this process. */
static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static struct mapshare_locks *registry;

/* ---- processes and their places ---- */

static int place_lock(int fd, int command, short *type, uint32_t place)
{
    struct flock lock = {.l_type = *type, .l_whence = SEEK_SET, .l_start = place, .l_len = 1};

    if (fcntl(fd, command, &lock))
        return errno == EACCES ? -EAGAIN : -errno;
    *type = lock.l_type;
    return 0;
}

/* Asked as for reading, so that nobody's read lock looks like somebody. */
int mapshare_place_lives(const struct mapshare_locks *locks, uint32_t place)
{
    short type = F_RDLCK;
    int error = place_lock(locks->fd, F_GETLK, &type, place);

    return error ? error : type != F_UNLCK;
}

/* What the last process in our place died with: nobody else can tell it from ours, so it is undone before we have anything. */
static void bury_predecessor(struct mapshare_locks *locks, uint32_t place)
{
    for (uint32_t i = 0; i < LOCK_COUNT; i++) {
        struct lock *lock = &locks->locks[i];
        uint64_t owner = atomic_load(&lock->owner);

        if (atomic_load(&lock->shared[place / 64]) & 1ull << place % 64)
            mapshare_lock_drop_share(lock, place);
        if (owner && place_of(owner) == place &&
            atomic_compare_exchange_strong(&lock->owner, &owner, locks->process | mapshare_thread.number | (owner & ~IDENTITY))) {
            lock->inconsistent = 1;
            mapshare_lock_free(lock);
        }
    }
}

/* The guard is held. */
static int take_place(struct mapshare_locks *locks)
{
    uint32_t random;
    uint64_t epoch;
    int error = mapshare_epoch() ? 0 : -EAGAIN;

    if (error)
        return error;
    epoch = mapshare_epoch();
    if (getrandom(&random, sizeof(random), 0) != sizeof(random))
        return -EAGAIN;
    for (uint32_t place = 0; place < MAPSHARE_ABI_PROCESSES; place++) {
        short type = F_WRLCK;

        error = place_lock(locks->fd, F_SETLK, &type, place);
        if (error == -EAGAIN)
            continue;
        if (error)
            return error;
        locks->process = (uint64_t)(random >> 2) << NONCE_SHIFT | (uint64_t)place << PLACE_SHIFT;
        memset(locks->shares, 0, sizeof(locks->shares));
        bury_predecessor(locks, place);
        locks->epoch = epoch;
        return 0;
    }
    return -ENOLCK;
}

/* A thread that ends with locks leaves them as a process does that dies. */
static void thread_ended(void)
{
    pthread_mutex_lock(&registry_lock);
    for (struct mapshare_locks *locks = registry; locks; locks = locks->next) {
        for (uint32_t i = 0; i < LOCK_COUNT && locks->epoch == mapshare_epoch(); i++) {
            struct lock *lock = &locks->locks[i];

            if ((lock->owner & IDENTITY) == (locks->process | mapshare_thread.number)) {
                lock->inconsistent = 1;
                mapshare_lock_free(lock);
            }
        }
    }
    pthread_mutex_unlock(&registry_lock);
}

int mapshare_locks_find_self(struct mapshare_locks *locks)
{
    int error = mapshare_epoch() ? 0 : mapshare_process_begin(thread_ended);

    if (error == 0 && mapshare_thread.epoch != mapshare_epoch())
        error = mapshare_thread_begin();
    if (error == 0 && locks->epoch != mapshare_epoch()) {
        pthread_mutex_lock(&locks->guard);
        if (locks->epoch != mapshare_epoch())
            error = take_place(locks);
        pthread_mutex_unlock(&locks->guard);
    }
    return error;
}

/* ---- opening ---- */

static void close_locks(struct mapshare_locks *locks)
{
    if (locks->locks)
        munmap(locks->locks, MAPSHARE_ABI_LOCKS_BYTES);
    if (locks->fd >= 0)
        close(locks->fd);
    pthread_mutex_destroy(&locks->guard);
    free(locks);
}

static int open_locks(struct mapshare *ms, const char *key, struct mapshare_locks **opened)
{
    struct mapshare_locks *locks = calloc(1, sizeof(*locks));
    bool writable = false;
    void *address;
    int error = 0;

    if (!locks)
        return -ENOMEM;
    pthread_mutex_init(&locks->guard, NULL);
    strcpy(locks->key, key);
    locks->fd = mapshare_area_open(ms, MAPSHARE_ABI_LOCKS, key, &writable);
    if (locks->fd < 0 || !writable)
        error = locks->fd < 0 ? locks->fd : -EACCES;
    if (error == 0) {
        address = mmap(NULL, MAPSHARE_ABI_LOCKS_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, locks->fd, 0);
        if (address == MAP_FAILED)
            error = -errno;
        else
            locks->locks = address;
    }
    if (error) {
        close_locks(locks);
        return error;
    }
    *opened = locks;
    return 0;
}

static int find_or_open(struct mapshare *ms, struct mapshare_locks **found)
{
    char key[MAPSHARE_AREA_KEY];
    struct mapshare_locks *locks;
    int error = mapshare_area_key(ms, MAPSHARE_ABI_LOCKS, key);

    if (error)
        return error;
    pthread_mutex_lock(&registry_lock);
    for (locks = registry; locks && strcmp(locks->key, key) != 0; locks = locks->next)
        ;
    if (!locks) {
        error = open_locks(ms, key, &locks);
        if (error == 0) {
            locks->next = registry;
            registry = locks;
        }
    }
    if (error == 0) {
        locks->users++;
        *found = locks;
    }
    pthread_mutex_unlock(&registry_lock);
    return error;
}

int mapshare_locks_get(struct mapshare *ms, struct mapshare_locks **locks)
{
    int error = ms->writable ? 0 : -EBADF;

    *locks = atomic_load_explicit(&ms->locks, memory_order_acquire);
    if (__builtin_expect(*locks != NULL, 1) || error)
        return error;
    pthread_mutex_lock(&ms->guard);
    *locks = ms->locks;
    if (!*locks && !ms->on_mount && ms->board_fd < 0)
        error = mapshare_board_attach(ms); /* it keeps the locks from being removed */
    if (!*locks && error == 0)
        error = find_or_open(ms, locks);
    if (error == 0)
        ms->locks = *locks;
    pthread_mutex_unlock(&ms->guard);
    return error;
}

void mapshare_locks_put(struct mapshare_locks *locks)
{
    pthread_mutex_lock(&registry_lock);
    if (--locks->users == 0) {
        struct mapshare_locks **at = &registry;

        while (*at != locks)
            at = &(*at)->next;
        *at = locks->next;
        close_locks(locks);
    }
    pthread_mutex_unlock(&registry_lock);
}

bool mapshare_locks_in_use(struct mapshare_locks *locks)
{
    bool last, used = false;
    uint64_t self;

    if (locks->epoch == 0 || locks->epoch != mapshare_epoch() || self_of(locks, &self))
        return false; /* a child that has taken none */
    pthread_mutex_lock(&registry_lock);
    last = locks->users == 1;
    pthread_mutex_unlock(&registry_lock);
    pthread_mutex_lock(&locks->guard);
    for (uint32_t i = 0; i < LOCK_COUNT; i++)
        used |= (locks->locks[i].owner & IDENTITY) == self || (last && locks->shares[i] > 0);
    pthread_mutex_unlock(&locks->guard);
    return used;
}
