#include "config.h"

#include "process/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "log.h"
#include "request/request.h"

#define FUSE_MAGIC 0x65735546
#define FILE_ID_INO64_GEN 0x81 /* how FUSE encodes a handle: node id, high word first, and generation */
#define RUNS_PER_ANSWER 1024
#define HELLO 0 /* the id of a new probe's first message */

#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif

struct question {
    uint64_t id, node, first;
    uint32_t generation, question, limit;
    char path[4096]; /* where handles are not permitted; else empty */
};

struct answer {
    uint64_t id;
    int32_t error;
    uint32_t more, count;
    struct probe_run runs[RUNS_PER_ANSWER];
};

/* ---- the worker's end ---- */

struct probe_client {
    struct server *server;
    int channel;
    pthread_mutex_t lock; /* guards the list; a leaf */
    TAILQ_HEAD(, probe_request)
    asked;
    uint64_t next_id;
    pid_t keeper; /* without it there is no probe */
};

static bool send_question(struct probe_client *client, const struct probe_request *request)
{
    struct inode_table *inodes = &client->server->inodes;
    struct question question = {
        .id = request->id,
        .node = inode_node(inodes, request->inode),
        .generation = inodes->arena->inodes[request->inode].generation,
        .question = request->question,
        .first = request->first,
        .limit = request->limit,
    };

    if (!inodes->handles && !inode_path(inodes, request->inode, question.path))
        return false;
    return send(client->channel, &question, sizeof question - (question.path[0] ? 0 : sizeof question.path - 1),
                MSG_DONTWAIT | MSG_NOSIGNAL) > 0;
}

bool probe_ask(struct probe_client *client, struct probe_request *request)
{
    bool sent;

    if (getppid() != client->keeper)
        return false;
    pthread_mutex_lock(&client->lock);
    request->id = ++client->next_id;
    sent = send_question(client, request);
    if (sent)
        TAILQ_INSERT_TAIL(&client->asked, request, link);
    pthread_mutex_unlock(&client->lock);
    return sent;
}

static void take_runs(struct probe_request *request, const struct answer *answer)
{
    if (!answer->count)
        return;
    if (request->run_count + answer->count > request->run_max) {
        uint32_t max = (request->run_count + answer->count) * 2;
        struct probe_run *more = realloc(request->runs, max * sizeof *more);

        if (!more) {
            request->error = -ENOMEM;
            return;
        }
        request->runs = more;
        request->run_max = max;
    }
    memcpy(request->runs + request->run_count, answer->runs, answer->count * sizeof answer->runs[0]);
    request->run_count += answer->count;
}

/* Returns the request that the answer completes. */
static struct probe_request *take_answer(struct probe_client *client, const struct answer *answer)
{
    struct probe_request *request, *complete = NULL;

    pthread_mutex_lock(&client->lock);
    TAILQ_FOREACH (request, &client->asked, link) {
        if (answer->id == HELLO) { /* a new probe: the old one took its questions with it */
            request->run_count = 0;
            send_question(client, request);
        } else if (request->id == answer->id) {
            take_runs(request, answer);
            if (answer->error)
                request->error = answer->error;
            if (!answer->more)
                complete = request;
            break;
        }
    }
    if (complete)
        TAILQ_REMOVE(&client->asked, complete, link);
    pthread_mutex_unlock(&client->lock);
    return complete;
}

/* The keeper was killed, and the probe with it: nobody answers any more. */
static void give_up(struct probe_client *client)
{
    struct probe_request *request;

    for (;;) {
        pthread_mutex_lock(&client->lock);
        request = TAILQ_FIRST(&client->asked);
        if (request)
            TAILQ_REMOVE(&client->asked, request, link);
        pthread_mutex_unlock(&client->lock);
        if (!request)
            return;
        free(request->runs);
        request->runs = NULL;
        request->run_count = 0;
        request->error = -ENOSYS;
        request->done(request);
    }
}

static void *listen_thread(void *argument)
{
    struct probe_client *client = argument;
    static struct answer answer;

    for (;;) {
        ssize_t n = recv(client->channel, &answer, sizeof answer, 0);
        struct probe_request *request;
        struct probe_run *runs;

        if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
            if (getppid() != client->keeper)
                give_up(client);
            continue;
        }
        if (n < (ssize_t)offsetof(struct answer, runs))
            break;
        request = take_answer(client, &answer);
        if (request) {
            runs = request->runs;
            request->done(request);
            free(runs);
        }
    }
    return NULL;
}

int probe_client_open(struct probe_client **out, struct server *server, int channel)
{
    struct probe_client *client = calloc(1, sizeof *client);
    pthread_t thread;

    if (!client)
        return -ENOMEM;
    client->server = server;
    client->channel = channel;
    client->keeper = getppid();
    setsockopt(channel, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){.tv_sec = 1}, sizeof(struct timeval));
    client->next_id = (uint64_t)getpid() << 32; /* answers to a dead worker's questions match none of ours */
    pthread_mutex_init(&client->lock, NULL);
    TAILQ_INIT(&client->asked);
    if (pthread_create(&thread, NULL, listen_thread, client)) {
        free(client);
        return -EAGAIN;
    }
    pthread_detach(thread);
    *out = client;
    return 0;
}

/* ---- the probe ---- */

/* Opened for each question: a descriptor kept on the mount would make unmounting fail. */
static int open_node(const char *mountpoint, const struct question *question)
{
    union {
        struct file_handle handle;
        char space[sizeof(struct file_handle) + 12];
    } at = {.handle = {.handle_bytes = 12, .handle_type = FILE_ID_INO64_GEN}};
    uint32_t id[3] = {question->node >> 32, question->node, question->generation};
    int root = open(mountpoint, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd = -1;
    struct statfs stat;

    if (root < 0)
        return -errno;
    memcpy(at.handle.f_handle, id, sizeof id);
    errno = ENOSYS;
    if (!fstatfs(root, &stat) && stat.f_type == FUSE_MAGIC) {
        if (question->path[0])
            fd = openat(root, question->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        else
            fd = open_by_handle_at(root, &at.handle, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    }
    if (fd < 0)
        fd = -errno;
    close(root);
    return fd;
}

struct cachestat_range {
    uint64_t offset, length;
};
struct cachestat {
    uint64_t cached, dirty, writeback, evicted, recently_evicted;
};

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

static void add_run(struct search *search, uint64_t first, uint64_t count)
{
    struct answer *answer = search->answer;

    if (answer->count && answer->runs[answer->count - 1].last + 1 == first) {
        answer->runs[answer->count - 1].last += count;
        return;
    }
    if (answer->count == RUNS_PER_ANSWER)
        send_answer(search, true);
    search->found++;
    answer->runs[answer->count++] = (struct probe_run){first, first + count - 1};
}

/* Halve a range until it is all clean or all dirty: about 2 log2(n) calls a run. */
static void find_dirty(struct search *search, uint64_t first, uint64_t count)
{
    struct cachestat_range range = {first << PAGE_SHIFT, count << PAGE_SHIFT};
    struct cachestat stat;

    if (!count || search->error || (search->limit && search->found > search->limit))
        return;
    if (syscall(SYS_cachestat, search->fd, &range, &stat, 0)) {
        search->error = errno == EPERM || errno == EACCES ? -ENOSYS : -errno;
        return;
    }
    if (stat.dirty == 0)
        return;
    if (stat.dirty >= count) {
        add_run(search, first, count);
        return;
    }
    find_dirty(search, first, count / 2);
    find_dirty(search, first + count / 2, count - count / 2);
}

static void answer_question(int channel, const char *mountpoint, const struct question *question)
{
    static struct answer answer;
    struct search search = {.channel = channel, .answer = &answer, .limit = question->limit};
    struct stat stat;
    uint64_t pages;

    answer = (struct answer){.id = question->id};
    search.fd = open_node(mountpoint, question);
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
            find_dirty(&search, question->first, pages - question->first);
    }
    if (search.fd >= 0)
        close(search.fd);
    answer.error = search.error;
    send_answer(&search, false);
}

void probe_run(int channel, const char *mountpoint)
{
    static struct question question;
    static struct answer hello = {.id = HELLO};

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    if (dup2(channel, STDERR_FILENO + 1) >= 0) {
        channel = STDERR_FILENO + 1;
        close_range(channel + 1, ~0u, 0); /* above all the session's: it must end with the keeper and the worker */
    }
    send(channel, &hello, offsetof(struct answer, runs), MSG_NOSIGNAL | MSG_DONTWAIT);
    for (;;) {
        ssize_t n;

        question.path[0] = 0;
        n = recv(channel, &question, sizeof question, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < (ssize_t)offsetof(struct question, path))
            _exit(0);
        answer_question(channel, mountpoint, &question);
    }
}
