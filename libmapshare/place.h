/* A process's place among those that use the locks of a file, and the memory that the locks are in. For locks.c, which tells how it is meant. */
#ifndef LIBMAPSHARE_PLACE_H
#define LIBMAPSHARE_PLACE_H

#include "area.h"
#include "locks.h"
#include "process.h"
#include "word.h"

struct mapshare_locks {
    struct mapshare_locks *next;
    uint32_t users; /* opens of the file in this process */
    int fd;
    struct lock *locks;
    /* `guard` is held while the rest changes. */
    pthread_mutex_t guard;
    _Atomic uint64_t epoch; /* of the process that the rest is of */
    uint64_t process;       /* place and random number, as in an owner */
    uint32_t shares[LOCK_COUNT];
    char key[MAPSHARE_AREA_KEY];
};

/* 1, 0 or -errno: whether there is a process in the place, other than this one. */
int mapshare_place_lives(const struct mapshare_locks *locks, uint32_t place);

/* At the first use in this process, or thread. 0 or -errno. */
int mapshare_locks_find_self(struct mapshare_locks *locks);

/* What the calling thread writes into an owner. */
static inline int self_of(struct mapshare_locks *locks, uint64_t *self)
{
    uint64_t epoch = mapshare_epoch();

    if (__builtin_expect(epoch == 0 || mapshare_thread.epoch != epoch ||
                             atomic_load_explicit(&locks->epoch, memory_order_acquire) != epoch,
                         0)) {
        int error = mapshare_locks_find_self(locks);
        if (error)
            return error;
    }
    *self = locks->process | mapshare_thread.number;
    return 0;
}

#endif
