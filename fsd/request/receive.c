/* How requests come in: a WRITE's bytes straight into frames, everything else into plain memory. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "request/request.h"

/* Before the bytes that found no frame: the head of a WRITE, and the whole of any other request. */
#define HEAD_BYTES (256u << 10)
#define MANY_WRITES 512
#define MOMENT_NANOSECONDS 200000l
#define FRAMES_PER_WRITE (WRITE_MAX / PAGE_BYTES)

static _Thread_local struct receiver receiver;

struct receiver *request_receiver(void)
{
    return &receiver;
}

const struct fuse_in_header *request_header(void)
{
    return (const struct fuse_in_header *)receiver.head;
}

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
    receiver = (struct receiver){
        .server = server,
        .rest = aligned,
        .reply = aligned + WRITE_MAX,
        .head = aligned + buffers,
        .names = (char *)aligned + buffers + HEAD_BYTES,
    };
    return 0;
}

/* One iovec for the head, one for the first frame, which most WRITEs take alone, and one for each run of neighbours behind it. */
static int describe(void)
{
    uint32_t vectors = 1;

    receiver.iov[0] = (struct iovec){receiver.head, WRITE_HEAD};
    for (uint32_t i = 0; i < receiver.frame_count; i++) {
        unsigned char *page = arena_page(&receiver.server->arena, receiver.frames[i]);
        struct iovec *last = &receiver.iov[vectors - 1];

        if (vectors > 2 && (unsigned char *)last->iov_base + last->iov_len == page)
            last->iov_len += PAGE_BYTES;
        else
            receiver.iov[vectors++] = (struct iovec){page, PAGE_BYTES};
    }
    if (receiver.frame_count < FRAMES_PER_WRITE)
        receiver.iov[vectors++] = (struct iovec){receiver.rest, (size_t)(FRAMES_PER_WRITE - receiver.frame_count) << PAGE_SHIFT};
    return vectors;
}

/* Frames that the last WRITE took, which are the first ones, are replaced. Where none is free, the bytes go to plain memory. */
static int prepare(void)
{
    struct frame_table *table = &receiver.server->frames;
    uint32_t taken = 0, got;

    while (taken < receiver.frame_count && !receiver.frames[taken])
        taken++;
    if (!taken && receiver.frame_count == FRAMES_PER_WRITE)
        return receiver.vectors;
    got = frame_take(table, receiver.frames, taken);
    if (got == 1 && taken == 1 && receiver.frame_count == FRAMES_PER_WRITE) {
        receiver.iov[1].iov_base = arena_page(&receiver.server->arena, receiver.frames[0]);
        return receiver.vectors;
    }
    memmove(receiver.frames + got, receiver.frames + taken, (receiver.frame_count - taken) * sizeof receiver.frames[0]);
    receiver.frame_count -= taken - got;
    receiver.frame_count += frame_take(table, receiver.frames + receiver.frame_count, FRAMES_PER_WRITE - receiver.frame_count);
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

static bool is_pending(int fd)
{
    struct pollfd request = {.fd = fd, .events = POLLIN};

    return poll(&request, 1, 0) != 0;
}

/* Amid many WRITEs a thread that finds none left sleeps for a moment, as long as more come: the kernel would wake it for each of them, on the
 * processor of the client that sends them, which would cost that client more than the help is worth. */
static void stay_out_of_the_way(const struct server *server, int fd)
{
    const struct timespec moment = {.tv_nsec = MOMENT_NANOSECONDS};
    uint32_t seen = 0;

    while (server->writes_in_row > MANY_WRITES && server->writes_in_row != seen && !is_pending(fd)) {
        seen = server->writes_in_row;
        nanosleep(&moment, NULL);
    }
}

/* Of the kernel's page cache: a client waits for each write(2) of its own. */
static void count_writes(struct server *server)
{
    const struct fuse_write_in *in = (const void *)(request_header() + 1);

    if (request_header()->opcode == FUSE_WRITE && in->write_flags & FUSE_WRITE_CACHE)
        atomic_fetch_add_explicit(&server->writes_in_row, 1, memory_order_relaxed);
    else
        atomic_store_explicit(&server->writes_in_row, 0, memory_order_relaxed);
}

int request_serve(struct server *server)
{
    int fd = fuse_session_fd(server->session), error = make_receiver(server);

    if (error)
        return error;
    if (unshare(CLONE_FS)) /* a umask of its own */
        return -errno;
    while (!fuse_session_exited(server->session)) {
        struct fuse_buf buffer = {.mem = receiver.head};
        ssize_t size;

        stay_out_of_the_way(server, fd);
        size = readv(fd, receiver.iov, prepare());
        if (size < 0 && (errno == EINTR || errno == EAGAIN || errno == ENOENT))
            continue;
        if (size < 0) {
            error = errno == ENODEV ? 0 : -errno;
            break;
        }
        log_line(LOG_TRACE, "request %u of node %llu, process %u, %zd bytes", request_header()->opcode,
                 (unsigned long long)request_header()->nodeid, request_header()->pid, size);
        count_writes(server);
        if (request_header()->opcode == FUSE_WRITE && request_write_received(server))
            continue;
        if (request_header()->opcode != FUSE_WRITE)
            gather(size);
        if (request_header()->opcode == FUSE_INIT)
            keep_init(size);
        buffer.size = size;
        fuse_session_process_buf(server->session, &buffer);
    }
    for (uint32_t i = 0; i < receiver.frame_count; i++) {
        if (receiver.frames[i])
            frame_give(&server->frames, &receiver.frames[i], 1);
    }
    receiver.frame_count = 0;
    return error;
}
