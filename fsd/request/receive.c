/* A WRITE's bytes straight into frames, everything else into plain memory. */
#include "config.h"

#include "request/receive.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "log.h"
#include "request/burst.h"
#include "request/current.h"
#include "request/write.h"

/* Before the bytes that found no frame: the head of a WRITE, and the whole of any other request. */
#define HEAD_BYTES (256u << 10)
#define FRAMES_REPLACED 64u /* at once: neighbours, as long as there are some */

#define WRITE_HEAD (sizeof(struct fuse_in_header) + sizeof(struct fuse_write_in))
#define FRAMES_PER_WRITE (WRITE_MAX / PAGE_BYTES)

/* What a thread receives requests into: the head of the request in plain memory, a WRITE's bytes in frames. */
struct receiver {
    struct server *server;
    struct current *current;
    unsigned char *head;                    /* HEAD_BYTES */
    unsigned char *rest;                    /* WRITE_MAX bytes: what found no frame */
    uint32_t own[FRAMES_PER_WRITE];         /* frames; current->bytes.frames are what is left of them */
    struct iovec iov[FRAMES_PER_WRITE + 2]; /* also: the head, and what found no frame */
    int vectors;
};

static _Thread_local struct receiver receiver;

/* Present memory: a kill in the middle of the kernel's copy must not end the request because of a page that was not there. The two buffers
 * share a huge page where there are some: the disk fills one of those faster than hundreds of small ones. */
static int make_receiver(struct server *server)
{
    const size_t buffers = 2 * (size_t)WRITE_MAX, bytes = 2 * buffers + HEAD_BYTES + FOLDER_BYTES;
    unsigned char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *aligned;

    if (memory == MAP_FAILED)
        return -errno;
    aligned = memory + (buffers - (uintptr_t)memory % buffers) % buffers;
    madvise(aligned, buffers, MADV_HUGEPAGE);
    memset(aligned, 0, buffers + HEAD_BYTES + FOLDER_BYTES);
    receiver = (struct receiver){.server = server, .current = current(), .head = aligned + buffers, .rest = aligned};
    *receiver.current = (struct current){
        .header = (const void *)receiver.head,
        .bytes = {.frames = receiver.own, .rest = aligned},
        .reply = (char *)aligned + WRITE_MAX,
        .names = (char *)aligned + buffers + HEAD_BYTES,
    };
    return 0;
}

/* One iovec for the head, one for the first frame, which most WRITEs take alone, one for each run of neighbours behind it, and one for what
 * found no frame. */
static int describe(void)
{
    const struct received *bytes = &receiver.current->bytes;
    uint32_t vectors = 1;

    receiver.iov[0] = (struct iovec){receiver.head, WRITE_HEAD};
    for (uint32_t i = 0; i < bytes->frame_count; i++) {
        unsigned char *page = arena_page(&receiver.server->arena, bytes->frames[i]);
        struct iovec *last = &receiver.iov[vectors - 1];

        if (vectors > 2 && (unsigned char *)last->iov_base + last->iov_len == page)
            last->iov_len += PAGE_BYTES;
        else
            receiver.iov[vectors++] = (struct iovec){page, PAGE_BYTES};
    }
    receiver.iov[vectors++] = (struct iovec){receiver.rest, (size_t)(FRAMES_PER_WRITE - bytes->frame_count) << PAGE_SHIFT};
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

/* Frames that the last WRITE took, which are the first ones, are replaced, many at a time. Where none is free, the bytes go to plain memory. */
static int prepare(void)
{
    struct frame_table *table = &receiver.server->frames;
    struct received *bytes = &receiver.current->bytes;
    uint32_t taken = 0;

    while (taken < bytes->frame_count && !bytes->frames[taken])
        taken++;
    bytes->frames += taken;
    bytes->frame_count -= taken;
    if (bytes->frame_count > FRAMES_PER_WRITE - FRAMES_REPLACED) {
        if (taken > 1 || (taken && !advance()))
            receiver.vectors = describe();
        return receiver.vectors;
    }
    memmove(receiver.own, bytes->frames, bytes->frame_count * sizeof receiver.own[0]);
    bytes->frames = receiver.own;
    bytes->frame_count += frame_take(table, receiver.own + bytes->frame_count, FRAMES_PER_WRITE - bytes->frame_count);
    return receiver.vectors = describe();
}

/* All but WRITEs are decoded from one piece of memory. */
static void gather(size_t size)
{
    size_t at = WRITE_HEAD;

    for (struct iovec *iov = &receiver.iov[1]; at < size && at < HEAD_BYTES; iov++) {
        size_t n = size - at < iov->iov_len ? size - at : iov->iov_len;

        memcpy(receiver.head + at, iov->iov_base, n);
        at += n;
    }
}

/* The kernel's INIT is kept: each new worker is told the same. */
static void keep_init(size_t size)
{
    struct arena_header *header = receiver.server->arena.header;

    if (header->init_length || size > INIT_REQUEST_MAX)
        return;
    memcpy(header->init, receiver.head, size);
    atomic_store(&header->init_length, size);
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
        struct fuse_buf buffer = {.mem = receiver.head};
        ssize_t size;

        size = readv(fd, receiver.iov, prepare());
        if (size < 0 && (errno == EINTR || errno == EAGAIN || errno == ENOENT)) {
            burst_pause(server);
            continue;
        }
        if (size < 0) {
            error = errno == ENODEV ? 0 : -errno;
            break;
        }
        log_line(LOG_TRACE, "request %u of node %llu, process %u, %zd bytes", header->opcode, (unsigned long long)header->nodeid,
                 header->pid, size);
        burst_count(server, header);
        if (header->opcode == FUSE_WRITE && write_received(server))
            continue;
        if (header->opcode != FUSE_WRITE)
            gather(size);
        if (header->opcode == FUSE_INIT)
            keep_init(size);
        buffer.size = size;
        fuse_session_process_buf(server->session, &buffer);
    }
    for (uint32_t i = 0; i < bytes->frame_count; i++) {
        if (bytes->frames[i])
            frame_give(&server->frames, &bytes->frames[i], 1);
    }
    bytes->frame_count = 0;
    return error;
}
