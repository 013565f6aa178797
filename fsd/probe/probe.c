#include "config.h"

#include "probe/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cache/arena.h"
#include "log.h"
#include "pace.h"
#include "probe/slice.h"
#include "sandbox/sandbox.h"

#define FILE_ID_INO64_GEN 0x81 /* how FUSE encodes a handle: node id, high word first, and generation */

/* Opened for each question: a descriptor kept on the mount would make unmounting fail. */
static int open_node(const struct place *place, const struct question *question)
{
    union {
        struct file_handle handle;
        char space[sizeof(struct file_handle) + 12];
    } at = {.handle = {.handle_bytes = 12, .handle_type = FILE_ID_INO64_GEN}};
    uint32_t id[3] = {question->node >> 32, question->node, question->generation};
    int at_root = place_enter(place), root, fd;

    if (at_root < 0)
        return at_root;
    root = openat(at_root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    memcpy(at.handle.f_handle, id, sizeof id);
    if (root < 0 || question->path[0])
        fd = root < 0 ? root : openat(root, question->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    else
        fd = open_by_handle_at(root, &at.handle, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        fd = -errno;
    if (root >= 0)
        close(root);
    close(at_root);
    return fd;
}

static void work(const struct place *place, const struct question *question, struct answer *answer)
{
    int fd = open_node(place, question);
    struct stat stat;
    uint64_t pages;

    if (fd < 0) {
        answer->error = -ENOSYS;
        return;
    }
    if (fstat(fd, &stat))
        answer->error = -errno;
    pages = answer->error ? 0 : ((uint64_t)stat.st_size + PAGE_BYTES - 1) >> PAGE_SHIFT;
    if (question->question == PROBE_PULL)
        slice_pull(fd, question->first, pages, answer);
    else if (question->question == PROBE_DIRTY)
        slice_find_dirty(fd, question->first, pages, answer);
    close(fd);
}

static void answer_question(int channel, const struct place *place, const struct question *question)
{
    static struct answer answer;
    int64_t begun = clock_nanoseconds();

    answer.id = question->id;
    answer.next = answer.count = answer.error = 0;
    work(place, question, &answer);
    answer.nanoseconds = clock_nanoseconds() - begun;
    if (send(channel, &answer, offsetof(struct answer, runs) + answer.count * sizeof(struct probe_run), MSG_NOSIGNAL) < 0)
        _exit(0); /* the keeper is gone */
}

/* Nothing else stays open, above all not the session: it must end with the keeper and the worker. */
static int keep_one(int channel)
{
    if (dup2(channel, STDERR_FILENO + 1) < 0)
        _exit(1);
    close_range(STDERR_FILENO + 2, ~0u, 0);
    return STDERR_FILENO + 1;
}

static void run_lane(int channel, const struct place *place)
{
    static struct question question;

    for (;;) {
        ssize_t n;

        question.path[0] = 0;
        n = recv(channel, &question, sizeof question, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < (ssize_t)offsetof(struct question, path))
            _exit(0);
        answer_question(channel, place, &question);
    }
}

static void start_lane(int channel, const struct place *place)
{
    pid_t parent = getpid(), child = fork();

    if (child < 0)
        _exit(1);
    if (child)
        return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(0);
    sandbox_filter(SANDBOX_PROBE);
    run_lane(channel, place);
}

/* A lane that ends, or is stopped, took its question with it: all end, and the keeper starts new ones. */
void probe_run(int channel, const struct place *place, struct arena *arena)
{
    static struct answer hello = {.id = HELLO};
    int status;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    log_stop();
    channel = keep_one(channel);
    arena_unmap(arena);
    sandbox_enter(SANDBOX_PROBE);
    for (int i = 0; i < LANES; i++)
        start_lane(channel, place);
    sandbox_filter(SANDBOX_PROBE);
    send(channel, &hello, offsetof(struct answer, runs), MSG_NOSIGNAL | MSG_DONTWAIT);
    while (waitpid(-1, &status, WUNTRACED) < 0 && errno == EINTR)
        ;
    _exit(1);
}
