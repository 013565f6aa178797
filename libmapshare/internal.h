/* What the library's files share. Nothing here is exported.
 *
 * Functions return 0 or -errno, unless said otherwise; the public ones alone set errno (mapshare_result). Names carry the library's
 * prefix, so that the static library does not clash with its program.
 */
#ifndef MAPSHARE_INTERNAL_H
#define MAPSHARE_INTERNAL_H

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "mapshare.h"

#define DEFAULT_RESERVE ((uint64_t)64 << 20)

/* What all processes with the same file open share besides its bytes: the lock and the count of notices. It lives in an object of
 * shared memory of its own (area.c), so it is not durable and using it dirties no page of the file. All zero is a valid start. */
struct mapshare_area {
    _Atomic uint32_t ready;        /* AREA_READY once the mutex and the namespace below are set */
    _Atomic uint32_t inconsistent; /* 1: an owner died, and nobody has called mapshare_consistent since; guarded by the mutex */
    _Atomic uint32_t starving;     /* a futex; 1: somebody waits too long for the mutex, and who comes now lets it go first */
    uint32_t reserved;
    uint64_t process_namespace; /* thread numbers in the mutex mean something only here */
    pthread_mutex_t mutex;
    _Alignas(64) _Atomic uint64_t notices; /* its lower half is the futex; on a cache line of its own */
};

struct mapshare {
    /* Set by open, constant afterwards. */
    int fd;
    bool writable;
    bool on_mount;
    bool anonymous;
    unsigned char *address;
    size_t reserve; /* bytes mapped at address */
    struct statx identity;
    /* The size when somebody last looked: may be old, saves a system call where the file did not shrink since. */
    _Atomic uint64_t known_size;
    /* Guards the four below while they change, and serializes resizes. Each changes once, from -1, false or NULL, in this order. */
    pthread_mutex_t guard;
    bool area_writable;
    _Atomic int area_fd;
    _Atomic(struct mapshare_area *) area;
    _Atomic bool lockable; /* the area's mutex is ready, and for us */
};

/* file.c */
size_t mapshare_page_size(void);
int mapshare_file_size(struct mapshare *ms, uint64_t *size);
struct mapshare *mapshare_new(int fd, bool writable);
int mapshare_map(struct mapshare *ms, uint64_t reserve, uint64_t size);

/* open.c */
void mapshare_free(struct mapshare *ms);

/* resize.c */
int mapshare_set_size(struct mapshare *ms, uint64_t size, bool only_grow);

/* area.c */
int mapshare_area_attach(struct mapshare *ms);
void mapshare_area_detach(struct mapshare *ms);
int mapshare_area_map(struct mapshare *ms);
int mapshare_area_prepare_lock(struct mapshare *ms);
int mapshare_area_begin_resize(struct mapshare *ms);
void mapshare_area_end_resize(struct mapshare *ms);
int mapshare_area_claim_tail(struct mapshare *ms, uint64_t size);
void mapshare_area_release_tail(struct mapshare *ms);

/* lock.c: pthread_mutex_trylock, but a dead owner's lock is taken over for good and remembered as inconsistent. Returns 0, EBUSY or
 * EDEADLK (the calling thread has it). */
int mapshare_area_trylock(struct mapshare_area *area);
bool mapshare_lock_is_mine(struct mapshare *ms);

/* guard.c: memcpy; -EFAULT where it meets a page that cannot be had, at *fault. What was copied before stays copied. */
int mapshare_guarded_copy(void *to, const void *from, size_t length, uintptr_t *fault);

/* notify.c: a relative timeout as the moment when it is over; NULL stays NULL. -EINVAL. */
int mapshare_check_timeout(const struct timespec *timeout);

static inline bool mapshare_is_inside(uintptr_t address, uintptr_t start, size_t length)
{
    return address >= start && address - start < length;
}

static inline int mapshare_result(int error)
{
    if (error == 0)
        return 0;
    errno = -error;
    return -1;
}

#endif
