/* A WRITE's bytes straight into frames, everything else into plain memory. */
#include "config.h"

#include "request/receive.h"

#include <assert.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "alive.h"
#include "clock.h"
#include "log.h"
#include "request/burst.h"
#include "request/current.h"
#include "request/effects.h"
#include "request/entry.h"
#include "request/follow.h"
#include "request/forget.h"
#include "request/freeze.h"
#include "request/write.h"

#define NOTIFY_RESEND 7     /* FUSE_NOTIFY_RESEND, Linux 6.9 */
#define FRAMES_REPLACED 64u /* at once: neighbours, as long as there are some */
#define FRAMES_PER_WRITE (WRITE_MAX / PAGE_BYTES)
#define HUGE ((size_t)2 << 20)

/* How a thread receives requests: the head into plain memory, a WRITE's bytes into frames. */
struct receiver {
    struct server *server;
    struct current *current;
    struct arrival *arrival;
    struct iovec iov[FRAMES_PER_WRITE + 2]; /* the head, frames, and what found no frame */
    int vectors;
    size_t size; /* of the last request */
};

static _Thread_local struct receiver receiver;

/* Present memory: a kill in the middle of the kernel's copy must not end the request because of a page that was not there. Replies are made
 * in a huge page where there are some: the disk fills one of those faster than hundreds of small ones. */
static int make_receiver(struct server *server)
{
    unsigned char *memory = mmap(NULL, 2 * HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *aligned;
    struct arrival *arrival = &server->arena.arrivals[atomic_fetch_add(&server->arrivals, 1)];

    if (memory == MAP_FAILED)
        return -errno;
    aligned = memory + (HUGE - (uintptr_t)memory % HUGE) % HUGE;
    madvise(aligned, HUGE, MADV_HUGEPAGE);
    memset(aligned, 0, WRITE_MAX + FOLDER_BYTES);
    memset(arrival, 0, offsetof(struct arrival, requests));
    alive_word = &arrival->alive;
    receiver = (struct receiver){.server = server, .current = current(), .arrival = arrival};
    *receiver.current = (struct current){
        .header = (const void *)arrival->head,
        .bytes = {.frames = arrival->frames, .rest = arrival->rest},
        .reply = (char *)aligned,
        .names = (char *)aligned + WRITE_MAX,
    };
    return 0;
}

/* One iovec for the head, one for the first frame, which most WRITEs take alone, one for each run of neighbours behind it, and one for what
 * found no frame. */
static int describe(void)
{
    const struct received *bytes = &receiver.current->bytes;
    uint32_t vectors = 1;

    receiver.iov[0] = (struct iovec){receiver.arrival->head, WRITE_HEAD};
    for (uint32_t i = 0; i < bytes->frame_count; i++) {
        unsigned char *page = arena_page(&receiver.server->arena, bytes->frames[i]);
        struct iovec *last = &receiver.iov[vectors - 1];

        if (vectors > 2 && (unsigned char *)last->iov_base + last->iov_len == page)
            last->iov_len += PAGE_BYTES;
        else
            receiver.iov[vectors++] = (struct iovec){page, PAGE_BYTES};
    }
    receiver.iov[vectors++] = (struct iovec){receiver.arrival->rest, (size_t)(FRAMES_PER_WRITE - bytes->frame_count) << PAGE_SHIFT};
    return vectors;
}

/* The first frame was taken, and the next one's neighbour follows it: then little changes. */
static bool advance(void)
{
    struct iovec *run = &receiver.iov[2];

    if (receiver.vectors < 4 || run->iov_len == PAGE_BYTES)
        return false;
    receiver.iov[1].iov_base = run->iov_base;
    run->iov_base = (char *)run->iov_base + PAGE_BYTES;
    run->iov_len -= PAGE_BYTES;
    receiver.iov[receiver.vectors - 1].iov_len += PAGE_BYTES;
    return true;
}

/* What the last request left where it arrived is not to be taken for FORGETs. */
static void mark_used(uint32_t taken)
{
    size_t behind = receiver.size > WRITE_HEAD ? receiver.size - WRITE_HEAD : 0;

    for (uint32_t page = taken; (size_t)page << PAGE_SHIFT < behind; page++)
        forget_mark(forget_place(&receiver.server->arena, receiver.arrival, page));
}

/* Frames that the last WRITE took, which are the first ones, are replaced, many at a time. Where none is free, the bytes go to plain memory. */
static void replace_frames(struct received *bytes)
{
    struct arrival *arrival = receiver.arrival;
    uint32_t left = bytes->frame_count;

    memmove(arrival->frames, bytes->frames, left * sizeof arrival->frames[0]);
    bytes->frames = arrival->frames;
    bytes->frame_count += frame_take(&receiver.server->frames, arrival->frames + left, FRAMES_PER_WRITE - left);
    arrival->first = 0;
    arrival->count = bytes->frame_count;
    for (uint32_t page = left; page < bytes->frame_count; page++)
        forget_mark(forget_place(&receiver.server->arena, arrival, page));
    receiver.vectors = describe();
}

/* A frame that was taken is a file's: were it among those that are left, the next request would be read into it. */
static void check_left(const struct received *bytes)
{
    uint32_t pages = receiver.size > WRITE_HEAD ? (receiver.size - WRITE_HEAD + PAGE_BYTES - 1) >> PAGE_SHIFT : 0;

    for (uint32_t page = 0; page < pages && page < bytes->frame_count; page++)
        assert(bytes->frames[page]);
}

static int prepare(void)
{
    struct received *bytes = &receiver.current->bytes;
    uint32_t taken = 0;

    while (taken < bytes->frame_count && !bytes->frames[taken])
        taken++;
    mark_used(taken);
    bytes->frames += taken;
    bytes->frame_count -= taken;
    receiver.arrival->first += taken;
    receiver.arrival->count -= taken;
    check_left(bytes);
    if (bytes->frame_count <= FRAMES_PER_WRITE - FRAMES_REPLACED)
        replace_frames(bytes);
    else if (taken > 1 || (taken && !advance()))
        receiver.vectors = describe();
    return receiver.vectors;
}

/* All but WRITEs and FORGETs are decoded from one piece of memory. */
static void gather(size_t size)
{
    size_t at = WRITE_HEAD;

    for (struct iovec *iov = &receiver.iov[1]; at < size && at < REQUEST_HEAD; iov++) {
        size_t n = size - at < iov->iov_len ? size - at : iov->iov_len;

        memcpy(receiver.arrival->head + at, iov->iov_base, n);
        at += n;
    }
}

/* The kernel's INIT is kept: each new worker is told the same. */
static void keep_init(size_t size)
{
    struct arena_header *header = receiver.server->arena.header;

    if (header->init_length || size > INIT_REQUEST_MAX)
        return;
    memcpy(header->init, receiver.arrival->head, size);
    atomic_store(&header->init_length, size);
}

/* A request of which all bytes are in one piece. */
static void serve_whole(struct server *server, void *bytes, size_t size)
{
    struct fuse_buf buffer = {.mem = bytes, .size = size};
    const struct fuse_in_header *header = bytes;

    if (!freeze_enter(server, header, size))
        return;
    if (header->unique & RESENT) {
        effects_adopt(server);
        entry_take_back(server);
    }
    fuse_session_process_buf(server->session, &buffer);
    effects_end();
    freeze_leave(server, header);
}

void receive_again(struct server *server, void *bytes, size_t size)
{
    struct current outer;

    effects_lend(bytes, &outer);
    serve_whole(server, bytes, size);
    effects_return(server, &outer);
}

/* All but most WRITEs and FORGETs. */
static void serve_other(size_t size)
{
    const struct fuse_in_header *header = current_header();

    if (header->opcode != FUSE_WRITE)
        gather(size);
    receiver.current->settled = receiver.server->files.settled;
    if (header->opcode == FUSE_INIT)
        keep_init(size);
    serve_whole(receiver.server, receiver.arrival->head, size);
}

/* The kernel tells its messages' lengths rightly; what is not whole, whoever sent it, is not looked at. */
static bool is_whole(const struct fuse_in_header *header, size_t size)
{
    const struct fuse_write_in *in = (const void *)(header + 1);

    return size >= sizeof *header && header->len == size &&
           (header->opcode != FUSE_WRITE || (size >= WRITE_HEAD && in->size == size - WRITE_HEAD));
}

static void refuse(int fd, const struct fuse_in_header *header)
{
    struct fuse_out_header answer = {.len = sizeof answer, .error = -EIO, .unique = header->unique};

    log_line(LOG_WARN, "a request of the kernel's is not whole (opcode %u, length %u): it is refused", header->opcode, header->len);
    if (write(fd, &answer, sizeof answer) < 0)
        return; /* nobody waits for it */
}

int request_send_again(int fd)
{
    struct fuse_out_header resend = {.len = sizeof resend, .error = NOTIFY_RESEND};

    burst_set_blocking(fd, true);
    return write(fd, &resend, sizeof resend) < 0 ? -errno : 0;
}

int request_serve(struct server *server)
{
    int fd = fuse_session_fd(server->session), error = make_receiver(server);
    const struct fuse_in_header *header = current_header();
    struct received *bytes = &receiver.current->bytes;

    if (error)
        return error;
    if (unshare(CLONE_FS)) /* a umask of its own */
        return -errno;
    while (!fuse_session_exited(server->session)) {
        uint64_t begun;
        ssize_t size;

        follow_client(server);
        size = readv(fd, receiver.iov, prepare());

        alive_begin();
        receiver.size = size > 0 ? size : 0;
        if (size < 0 && (errno == EINTR || errno == EAGAIN || errno == ENOENT)) {
            alive_end();
            burst_pause(server);
            continue;
        }
        if (size < 0) {
            error = errno == ENODEV ? 0 : -errno;
            alive_end();
            break;
        }
        log_line(LOG_TRACE, "request %u of node %llu, process %u, %zd bytes", header->opcode, (unsigned long long)header->nodeid,
                 header->pid, size);
        if (!is_whole(header, size)) {
            refuse(fd, header);
            continue;
        }
        begun = clock_nanoseconds();
        burst_count(server, header);
        follow_count(server, header);
        if (forget_is(header))
            forget_received(server, receiver.arrival);
        else if (header->opcode != FUSE_WRITE || !write_received(server))
            serve_other(size);
        latency_add(&receiver.arrival->requests, begun);
        alive_end();
    }
    for (uint32_t i = 0; i < bytes->frame_count; i++) {
        if (bytes->frames[i])
            frame_give(&server->frames, &bytes->frames[i], 1);
    }
    bytes->frame_count = 0;
    return error;
}
