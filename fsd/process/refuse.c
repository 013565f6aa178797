#include "config.h"

#include "process/refuse.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fuse.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "mapshare-abi.h"
#include "priority.h"
#include "request/receive.h"
#include "sandbox/sandbox.h"

#define REQUEST_BYTES (WRITE_MAX + 2 * PAGE_BYTES)

/* ---- clients ---- */

static bool has_no_answer(uint32_t opcode)
{
    return opcode == FUSE_FORGET || opcode == FUSE_BATCH_FORGET || opcode == FUSE_INTERRUPT;
}

/* The kernel sends it again to the next worker. A page that it is told is refused would be lost. */
static bool can_wait(const struct fuse_in_header *header)
{
    const struct fuse_write_in *in = (const void *)(header + 1);

    return header->opcode == FUSE_RELEASE || header->opcode == FUSE_RELEASEDIR ||
           (header->opcode == FUSE_WRITE && in->write_flags & FUSE_WRITE_CACHE);
}

static void answer_all(int fd, void *buffer, bool all)
{
    const struct fuse_in_header *header = buffer;
    ssize_t size;

    while ((size = read(fd, buffer, REQUEST_BYTES)) >= 0 || errno == EINTR || errno == EAGAIN || errno == ENOENT) {
        struct fuse_out_header answer = {.len = sizeof answer, .error = -EIO};

        if (size < (ssize_t)sizeof *header || has_no_answer(header->opcode) || (!all && can_wait(header)))
            continue;
        answer.unique = header->unique;
        if (write(fd, &answer, sizeof answer) < 0)
            continue; /* nobody waits for it */
    }
}

static void refuse(const struct daemon *daemon, bool all)
{
    int fd = daemon->owned[OWNED_SESSION];
    void *buffer = malloc(REQUEST_BYTES);

    if (buffer && !request_send_again(fd))
        answer_all(fd, buffer, all);
    _exit(buffer && errno == ENODEV ? 0 : 1);
}

/* ---- pages ---- */

/* Where received pages go: the folder's descriptor, and its name for the message. */
static int make_folder(const struct daemon *daemon, char name[32])
{
    int private = daemon->owned[OWNED_PRIVATE_FOLDER], fd;

    snprintf(name, 32, "saved-%" PRIu64, (uint64_t)time(NULL));
    if (mkdirat(private, name, 0700) && errno != EEXIST)
        return -errno;
    fd = openat(private, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* The inode number of a file whose page this frame holds, and no commit does; 0: there is none. */
static uint64_t uncommitted(const struct arena *arena, uint32_t number)
{
    const struct frame *frame = &arena->frames[number];
    uint32_t file = frame->file, inode = file && file <= arena->header->file_max ? arena->files[file].inode : 0;

    if (!inode || inode > arena->header->inode_max || frame->flags & FRAME_HIDDEN ||
        (frame->position && journal_published(&arena->header->journal, frame->position)))
        return 0;
    return arena->inodes[inode].number;
}

uint64_t refuse_count(const struct arena *arena)
{
    uint64_t pages = 0;

    for (uint32_t i = arena_frame_last(arena->header); i; i = arena_frame_before(arena->header, i))
        pages += uncommitted(arena, i) != 0;
    return pages;
}

static int save_page(int folder, uint64_t inode, uint64_t page, const void *bytes)
{
    char name[32];
    int fd, error = 0;

    snprintf(name, sizeof name, "%" PRIu64, inode);
    fd = openat(folder, name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    if (pwrite(fd, bytes, PAGE_BYTES, (off_t)(page << PAGE_SHIFT)) != PAGE_BYTES)
        error = -EIO;
    close(fd);
    return error;
}

static void save(const struct daemon *daemon)
{
    const struct arena *arena = &daemon->arena;
    uint64_t pages = 0;
    int folder = -1, error = 0;
    char name[32];

    for (uint32_t i = arena_frame_last(arena->header); i && !error; i = arena_frame_before(arena->header, i)) {
        uint64_t inode = uncommitted(arena, i);

        if (inode && folder < 0)
            folder = make_folder(daemon, name);
        if (inode && folder < 0)
            error = folder;
        else if (inode)
            error = save_page(folder, inode, arena->frames[i].page, arena_page(arena, i)), pages++;
    }
    if (folder >= 0 && !error && syncfs(folder))
        error = -errno;
    if (error)
        log_line(LOG_FATAL, "pages that no commit has could not be saved: %s", strerror(-error));
    else if (pages)
        log_line(LOG_WARN, "%" PRIu64 " pages that no commit has are in %s/" MAPSHARE_PRIVATE_FOLDER "/%s, by inode number", pages,
                 daemon->options->store, name);
    _exit(error ? 1 : 0);
}

/* ---- their processes ---- */

/* They end with the keeper. */
static pid_t start(void)
{
    pid_t keeper = getpid(), pid = syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);

    if (pid)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() != keeper)
        _exit(1);
    priority_usual();
    sandbox_enter(SANDBOX_WORKER);
    sandbox_filter(SANDBOX_WORKER);
    return 0;
}

pid_t refuse_start(struct daemon *daemon, bool all)
{
    pid_t pid = start();

    if (!pid)
        refuse(daemon, all);
    return pid;
}

pid_t refuse_save(struct daemon *daemon)
{
    pid_t pid = start();

    if (!pid)
        save(daemon);
    return pid;
}
