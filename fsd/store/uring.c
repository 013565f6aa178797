/* Batches of writes through io_uring, `depth` at a time.
 *
 * A ring serves one call at a time and rests in a pool between calls, so no lock is held during I/O. One write that is small enough
 * goes by a plain system call: there the ring only adds latency. Large writes are cut in pieces, which a disk with queues works on
 * at once. Rings belong to the process that made them: open the store after the fork. No more
 * are made later: what a ring does passes by the filter of system calls, so it can do nothing but what is done here.
 *
 * Neither the end of a process nor closing its ring waits for the writes in it: they go on, and would land on what is written
 * since. So whoever finds a dead worker's ring waits until its writes have completed. Where all processes of a mount are gone, and
 * nobody is left who could, the ring itself has the lock open. */
#include "config.h"

#include <errno.h>
#include <liburing.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/queue.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "log.h"
#include "store/syscalls.h"

#define PIECE_VECTORS 256
#define PIECE_BYTES ((size_t)1 << 20)
#define POOL_RINGS 4
#define TELL_MILLISECONDS 1000

struct piece {
    struct store_write write; /* what is left of it */
    struct store_write *parent;
    struct iovec iov[PIECE_VECTORS];
};

struct ring {
    SLIST_ENTRY(ring) next;
    struct io_uring uring;
    unsigned prepared;  /* pieces not yet handed to the kernel */
    unsigned in_flight; /* pieces in the kernel */
    unsigned idle_count;
    struct piece **idle;
    struct piece pieces[];
};

/* Where the next piece of a batch begins. */
struct cursor {
    struct store_write *write, *end;
    int vector;
    size_t offset_in_vector;
    off_t offset; /* from the write's own */
};

struct uring_store {
    struct store store;
    unsigned depth;
    _Atomic uint32_t *under_way;
    pthread_mutex_t lock; /* the pool */
    SLIST_HEAD(, ring) pool;
};

static void ring_free(struct ring *ring)
{
    if (ring == NULL)
        return;
    io_uring_unregister_files(&ring->uring); /* at once: the kernel frees a ring when it likes */
    io_uring_queue_exit(&ring->uring);
    free(ring->idle);
    free(ring);
}

/* The system calls themselves: liburing 2.3 declares functions for them and has none. */
static int ring_restrict(int fd)
{
    struct io_uring_restriction only[] = {
        {.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_WRITEV},
        {.opcode = IORING_RESTRICTION_REGISTER_OP, .register_op = IORING_UNREGISTER_FILES},
    };
    if (syscall(SYS_io_uring_register, fd, IORING_REGISTER_RESTRICTIONS, only, sizeof(only) / sizeof(only[0])) < 0 ||
        syscall(SYS_io_uring_register, fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0) < 0)
        return -errno;
    return 0;
}

static int ring_make(struct ring **out, unsigned depth, int store_lock)
{
    struct ring *ring = calloc(1, sizeof(*ring) + depth * sizeof(ring->pieces[0]));
    struct piece **idle = calloc(depth, sizeof(*idle));
    int result = -ENOMEM;
    if (ring == NULL || idle == NULL)
        goto fail;
    result = io_uring_queue_init(depth, &ring->uring, IORING_SETUP_COOP_TASKRUN | IORING_SETUP_R_DISABLED);
    if (result < 0)
        goto fail;
    if (store_lock >= 0)
        result = io_uring_register_files(&ring->uring, &store_lock, 1);
    if (result >= 0)
        result = ring_restrict(ring->uring.ring_fd);
    if (result < 0) {
        io_uring_queue_exit(&ring->uring);
        goto fail;
    }
    ring->idle = idle;
    for (unsigned i = 0; i < depth; i++)
        idle[i] = &ring->pieces[i];
    ring->idle_count = depth;
    *out = ring;
    return 0;
fail:
    free(idle);
    free(ring);
    return result;
}

static struct ring *ring_take(struct uring_store *self)
{
    pthread_mutex_lock(&self->lock);
    struct ring *ring = SLIST_FIRST(&self->pool);
    if (ring != NULL) {
        SLIST_REMOVE_HEAD(&self->pool, next);
    }
    pthread_mutex_unlock(&self->lock);
    return ring;
}

static void ring_give(struct uring_store *self, struct ring *ring)
{
    pthread_mutex_lock(&self->lock);
    SLIST_INSERT_HEAD(&self->pool, ring, next);
    pthread_mutex_unlock(&self->lock);
}

/* Skips what is empty or has failed already. */
static bool cursor_more(struct cursor *cursor)
{
    while (cursor->write < cursor->end && (cursor->vector >= cursor->write->iovcnt || cursor->write->result < 0)) {
        cursor->write++;
        cursor->vector = 0;
        cursor->offset_in_vector = 0;
        cursor->offset = 0;
    }
    return cursor->write < cursor->end;
}

static void cursor_cut(struct cursor *cursor, struct piece *piece)
{
    struct store_write *write = cursor->write;
    size_t bytes = 0;
    int count = 0;
    piece->parent = write;
    piece->write = (struct store_write){.fd = write->fd, .offset = write->offset + cursor->offset, .iov = piece->iov};
    while (cursor->vector < write->iovcnt && count < PIECE_VECTORS && bytes < PIECE_BYTES) {
        struct iovec *from = &write->iov[cursor->vector];
        size_t length = from->iov_len - cursor->offset_in_vector;
        if (length > PIECE_BYTES - bytes)
            length = PIECE_BYTES - bytes;
        piece->iov[count].iov_base = (char *)from->iov_base + cursor->offset_in_vector;
        piece->iov[count++].iov_len = length;
        bytes += length;
        cursor->offset_in_vector += length;
        if (cursor->offset_in_vector == from->iov_len) {
            cursor->vector++;
            cursor->offset_in_vector = 0;
        }
    }
    piece->write.iovcnt = count;
    cursor->offset += (off_t)bytes;
}

static void prepare(struct ring *ring, struct piece *piece)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&ring->uring); /* there is one for each piece */
    io_uring_prep_writev(sqe, piece->write.fd, piece->write.iov, (unsigned)piece->write.iovcnt, (uint64_t)piece->write.offset);
    io_uring_sqe_set_data(sqe, piece);
    ring->prepared++;
}

static void complete(struct ring *ring, struct io_uring_cqe *cqe)
{
    struct piece *piece = io_uring_cqe_get_data(cqe);
    int done = cqe->res;
    io_uring_cqe_seen(&ring->uring, cqe);
    ring->in_flight--;
    bool again = done == -EINTR || done == -EAGAIN;
    if (done > 0)
        again = syscalls_advance(&piece->write, (size_t)done);
    else if (!again && piece->parent->result == 0)
        piece->parent->result = done == 0 ? -EIO : done;
    if (again)
        prepare(ring, piece);
    else
        ring->idle[ring->idle_count++] = piece;
}

/* Hands over what is prepared and waits for all, or where `more` is to come for a quarter of what may be in flight: a wake-up for
 * each piece would cost more than the pieces. */
static int submit(struct ring *ring, unsigned depth, bool more)
{
    unsigned all = ring->prepared + ring->in_flight, quarter = depth / 4 + 1;
    int result = io_uring_submit_and_wait(&ring->uring, more && quarter < all ? quarter : all);
    if (result >= 0) {
        ring->prepared -= (unsigned)result;
        ring->in_flight += (unsigned)result;
    } else if (result == -EINTR || (ring->in_flight > 0 && (result == -EAGAIN || result == -EBUSY))) {
        result = 0;
    }
    return result;
}

static int run(struct ring *ring, unsigned depth, struct cursor *cursor)
{
    int result = 0;
    while (result >= 0) {
        while (ring->idle_count > 0 && cursor_more(cursor)) {
            struct piece *piece = ring->idle[--ring->idle_count];
            cursor_cut(cursor, piece);
            if (syscalls_advance(&piece->write, 0))
                prepare(ring, piece);
            else
                ring->idle[ring->idle_count++] = piece;
        }
        if (ring->prepared == 0 && ring->in_flight == 0)
            return 0;
        result = submit(ring, depth, cursor_more(cursor));
        struct io_uring_cqe *cqe;
        while (result >= 0 && io_uring_peek_cqe(&ring->uring, &cqe) == 0)
            complete(ring, cqe);
    }
    while (ring->in_flight > 0) { /* the memory is theirs until they are done */
        struct io_uring_cqe *cqe;
        if (io_uring_wait_cqe(&ring->uring, &cqe) == 0) {
            io_uring_cqe_seen(&ring->uring, cqe);
            ring->in_flight--;
        }
    }
    return result;
}

static bool small(const struct store_write *writes, size_t count)
{
    size_t bytes = 0;
    for (int i = 0; count == 1 && i < writes->iovcnt; i++)
        bytes += writes->iov[i].iov_len;
    return count == 0 || (count == 1 && bytes <= PIECE_BYTES);
}

static int uring_write(struct store *store, struct store_write *writes, size_t count)
{
    struct uring_store *self = (struct uring_store *)store;
    struct ring *ring = small(writes, count) ? NULL : ring_take(self);
    if (ring == NULL)
        return syscalls_write_all(writes, count);
    for (size_t i = 0; i < count; i++)
        writes[i].result = 0;
    struct cursor cursor = {.write = writes, .end = writes + count};
    if (self->under_way)
        atomic_fetch_add(self->under_way, 1);
    int result = run(ring, self->depth, &cursor);
    if (self->under_way)
        atomic_fetch_sub(self->under_way, 1);
    if (result < 0) { /* the ring is of no use any more; writing the same bytes once more does no harm */
        ring_free(ring);
        static long last;
        log_limited(&last, "io_uring failed (%s), going on without", strerror(-result));
        return syscalls_write_all(writes, count);
    }
    ring_give(self, ring);
    for (size_t i = 0; i < count && result == 0; i++)
        result = writes[i].result;
    return result;
}

static void uring_close(struct store *store)
{
    struct uring_store *self = (struct uring_store *)store;
    struct ring *ring;
    while ((ring = SLIST_FIRST(&self->pool)) != NULL) {
        SLIST_REMOVE_HEAD(&self->pool, next);
        ring_free(ring);
    }
    pthread_mutex_destroy(&self->lock);
    free(self);
}

static const struct store_operations uring_operations = {
    .write = uring_write,
    .flush = syscalls_flush,
    .truncate = syscalls_truncate,
    .punch = syscalls_punch,
    .set_times = syscalls_set_times,
    .sync = syscalls_sync,
    .sync_all = syscalls_sync_all,
    .close = uring_close,
};

int store_open_uring(struct store **out, unsigned depth, int lock, _Atomic uint32_t *under_way)
{
    struct ring *ring;
    int result = ring_make(&ring, depth, lock);
    if (result < 0) {
        log_line(LOG_WARN, "io_uring is not available (%s): writing to the store one request at a time", strerror(-result));
        return store_open_serial(out);
    }
    struct uring_store *self = calloc(1, sizeof(*self));
    if (self == NULL) {
        ring_free(ring);
        return -ENOMEM;
    }
    self->store.operations = &uring_operations;
    self->depth = depth;
    self->under_way = under_way;
    if (under_way) /* a dead process's */
        atomic_store(under_way, 0);
    pthread_mutex_init(&self->lock, NULL);
    ring_give(self, ring);
    for (int i = 1; i < POOL_RINGS && ring_make(&ring, depth, lock) >= 0; i++)
        ring_give(self, ring);
    *out = &self->store;
    return 0;
}

/* ---- a dead worker's ring ---- */

#define RING_PAGE 4096 /* its beginning has all counters */

static bool is_ring(int fd)
{
    static const char ring[] = "anon_inode:[io_uring]";
    char path[32], target[sizeof(ring)];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return readlink(path, target, sizeof(target)) == sizeof(ring) - 1 && memcmp(target, ring, sizeof(ring) - 1) == 0;
}

/* Until as many completions were posted as requests were taken: each request has one. Where the counters are is the same in all
 * rings. */
static int wait_for_completions(int fd)
{
    struct io_uring ours;
    int result = io_uring_queue_init(1, &ours, 0);
    if (result < 0)
        return result;
    char *page = mmap(NULL, RING_PAGE, PROT_READ, MAP_SHARED, fd, IORING_OFF_SQ_RING);
    result = page == MAP_FAILED ? -errno : 0;
    if (result == 0) {
        const char *start = ours.sq.ring_ptr;
        const unsigned *taken = (unsigned *)(page + ((const char *)ours.sq.khead - start));
        const unsigned *posted = (unsigned *)(page + ((const char *)ours.cq.ktail - start));
        for (long waited = 0; io_uring_smp_load_acquire(taken) != io_uring_smp_load_acquire(posted); waited++) {
            if (waited == TELL_MILLISECONDS)
                log_line(LOG_WARN, "waiting for the disk to end what a worker that died was writing");
            usleep(1000);
        }
        munmap(page, RING_PAGE);
    }
    io_uring_queue_exit(&ours);
    return result;
}

int store_end_orphan(int fd)
{
    int result = is_ring(fd) ? wait_for_completions(fd) : 0;
    if (result == 0)
        close(fd);
    return result;
}
