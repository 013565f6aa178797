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
#include <unistd.h>

#include "cache/arena.h"
#include "cachestat.h"
#include "log.h"
#include "probe/protocol.h"
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

/* Of one question being answered. */
struct search {
    int channel, fd, error;
    uint32_t found, limit; /* runs */
    struct answer *answer;
};

static void send_answer(struct search *search, bool more)
{
    search->answer->more = more;
    if (send(search->channel, search->answer, offsetof(struct answer, runs) + search->answer->count * sizeof(struct probe_run),
             MSG_NOSIGNAL) < 0)
        _exit(0); /* the keeper is gone */
    search->answer->count = 0;
}

/* Enough runs are no error, but end the search. */
#define ENOUGH 1

static int add_run(void *context, uint64_t first, uint64_t last)
{
    struct search *search = context;
    struct answer *answer = search->answer;

    if (answer->count && answer->runs[answer->count - 1].last + 1 == first) {
        answer->runs[answer->count - 1].last = last;
        return 0;
    }
    if (answer->count == RUNS_PER_ANSWER)
        send_answer(search, true);
    search->found++;
    answer->runs[answer->count++] = (struct probe_run){first, last};
    return search->limit && search->found > search->limit ? ENOUGH : 0;
}

static void answer_question(int channel, const struct place *place, const struct question *question)
{
    static struct answer answer;
    struct search search = {.channel = channel, .answer = &answer, .limit = question->limit};
    struct stat stat;
    uint64_t pages;

    answer = (struct answer){.id = question->id};
    search.fd = open_node(place, question);
    if (search.fd < 0) {
        search.error = -ENOSYS;
    } else if (question->question == PROBE_PULL) {
        if (sync_file_range(search.fd, 0, 0, SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER))
            search.error = -errno;
    } else if (fstat(search.fd, &stat)) {
        search.error = -errno;
    } else {
        pages = ((uint64_t)stat.st_size + PAGE_BYTES - 1) >> PAGE_SHIFT;
        if (question->first < pages)
            search.error = cache_find_dirty(search.fd, question->first, pages - question->first, add_run, &search);
        if (search.error == ENOUGH)
            search.error = 0;
        if (search.error == -EPERM || search.error == -EACCES)
            search.error = -ENOSYS;
    }
    if (search.fd >= 0)
        close(search.fd);
    answer.error = search.error;
    send_answer(&search, false);
}

/* Nothing else stays open, above all not the session: it must end with the keeper and the worker. */
static int keep_one(int channel)
{
    if (dup2(channel, STDERR_FILENO + 1) < 0)
        _exit(1);
    close_range(STDERR_FILENO + 2, ~0u, 0);
    return STDERR_FILENO + 1;
}

void probe_run(int channel, const struct place *place, struct arena *arena)
{
    static struct question question;
    static struct answer hello = {.id = HELLO};

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    log_stop();
    channel = keep_one(channel);
    arena_unmap(arena);
    sandbox_enter(SANDBOX_PROBE);
    sandbox_filter(SANDBOX_PROBE);
    send(channel, &hello, offsetof(struct answer, runs), MSG_NOSIGNAL | MSG_DONTWAIT);
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
