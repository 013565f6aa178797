#include "config.h"

#include "request/wait.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/tree.h>

#include "clock.h"
#include "file/record.h"
#include "file/status.h"
#include "request/current.h"
#include "request/feed.h"

struct commit_wait {
    RB_ENTRY(commit_wait) by_file, by_time;
    TAILQ_ENTRY(commit_wait) link; /* of those that are answered together */
    TAILQ_ENTRY(commit_wait) interrupted_link;
    fuse_req_t request;
    struct user *user;
    uint32_t file;
    int64_t deadline; /* CLOCK_MONOTONIC; INT64_MAX: never */
    struct mapshare_abi_wait in;
    int result;       /* what it is answered */
    bool parked;      /* in the trees; the server's wait_lock guards this and those */
    bool interrupted; /* on that list; under interrupt_lock */
};

TAILQ_HEAD(wait_list, commit_wait);
RB_HEAD(waits_by_file, commit_wait);
RB_HEAD(waits_by_time, commit_wait);

/* interrupt_lock is taken last, under libfuse's lock of a request, too. */
struct wait_table {
    struct waits_by_file by_file; /* all */
    struct waits_by_time by_time; /* with a deadline */
    _Atomic uint32_t count;
    pthread_mutex_t interrupt_lock;
    struct wait_list interrupted;
};

static int compare(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int compare_files(const struct commit_wait *a, const struct commit_wait *b)
{
    int order = compare(a->file, b->file);

    if (!order)
        order = compare(a->in.sequence, b->in.sequence);
    return order ? order : compare((uintptr_t)a, (uintptr_t)b);
}

static int compare_times(const struct commit_wait *a, const struct commit_wait *b)
{
    return a->deadline != b->deadline ? (a->deadline > b->deadline) - (a->deadline < b->deadline)
                                      : compare((uintptr_t)a, (uintptr_t)b);
}

RB_GENERATE_INTERNAL(waits_by_file, commit_wait, by_file, compare_files, static __attribute__((unused)))
RB_GENERATE_INTERNAL(waits_by_time, commit_wait, by_time, compare_times, static __attribute__((unused)))

int wait_table_open(struct server *server)
{
    struct wait_table *waits = calloc(1, sizeof *waits);

    if (!waits)
        return -ENOMEM;
    RB_INIT(&waits->by_file);
    RB_INIT(&waits->by_time);
    TAILQ_INIT(&waits->interrupted);
    pthread_mutex_init(&waits->interrupt_lock, NULL);
    server->waits = waits;
    return 0;
}

bool wait_is_empty(const struct server *server)
{
    return !server->waits->count;
}

/* Out of the trees, to be answered by who holds the list. The wait_lock is held. */
static void take(struct wait_table *waits, struct commit_wait *wait, int result, struct wait_list *list)
{
    RB_REMOVE(waits_by_file, &waits->by_file, wait);
    if (wait->deadline != INT64_MAX)
        RB_REMOVE(waits_by_time, &waits->by_time, wait);
    waits->count--;
    wait->parked = false;
    wait->result = result;
    TAILQ_INSERT_TAIL(list, wait, link);
}

static void reply(fuse_req_t request, const struct mapshare_abi_wait *in, int result)
{
    if (result)
        request_reply(request, result);
    else
        fuse_reply_ioctl(request, 0, in, sizeof *in);
}

/* All that libfuse tells of, holding its lock of the request. The next tick answers. */
static void interrupted(fuse_req_t request, void *data)
{
    struct commit_wait *wait = data;
    struct wait_table *waits = server_of(request)->waits;

    pthread_mutex_lock(&waits->interrupt_lock);
    if (!wait->interrupted)
        TAILQ_INSERT_TAIL(&waits->interrupted, wait, interrupted_link);
    wait->interrupted = true;
    pthread_mutex_unlock(&waits->interrupt_lock);
}

/* From here on it is on no list. */
static void end_interrupts(struct wait_table *waits, struct commit_wait *wait)
{
    fuse_req_interrupt_func(wait->request, NULL, NULL); /* returns when `interrupted` is not running */
    pthread_mutex_lock(&waits->interrupt_lock);
    if (wait->interrupted)
        TAILQ_REMOVE(&waits->interrupted, wait, interrupted_link);
    pthread_mutex_unlock(&waits->interrupt_lock);
}

/* Without locks. */
static void answer(struct server *server, struct wait_list *list)
{
    struct commit_wait *wait;

    while ((wait = TAILQ_FIRST(list))) {
        TAILQ_REMOVE(list, wait, link);
        end_interrupts(server->waits, wait);
        if (wait->file)
            file_put(&server->files, wait->file);
        user_give(wait->user, HOLDS_PARKED);
        reply(wait->request, &wait->in, wait->result);
        free(wait);
    }
}

/* 0: any. */
static uint64_t sequence_of(struct server *server, uint32_t file)
{
    return file ? status_sequence(&server->files, file) : feed_sequence(server);
}

void wait_answer(struct server *server, uint32_t file)
{
    struct wait_table *waits = server->waits;
    struct commit_wait key = {.file = file}, *wait, *next;
    struct wait_list list = TAILQ_HEAD_INITIALIZER(list);
    uint64_t reached;

    if (!waits->count)
        return;
    reached = sequence_of(server, file);
    pthread_mutex_lock(&server->wait_lock);
    for (wait = RB_NFIND(waits_by_file, &waits->by_file, &key); wait && wait->file == file && wait->in.sequence <= reached;
         wait = next) {
        next = RB_NEXT(waits_by_file, &waits->by_file, wait);
        wait->in.reached = reached;
        take(waits, wait, 0, &list);
    }
    pthread_mutex_unlock(&server->wait_lock);
    answer(server, &list);
}

/* Whoever took it out of the trees meanwhile answers it. The wait_lock is held. */
static void take_interrupted(struct wait_table *waits, struct wait_list *list)
{
    struct commit_wait *wait;

    pthread_mutex_lock(&waits->interrupt_lock);
    while ((wait = TAILQ_FIRST(&waits->interrupted))) {
        TAILQ_REMOVE(&waits->interrupted, wait, interrupted_link);
        wait->interrupted = false;
        if (wait->parked)
            take(waits, wait, -EINTR, list);
    }
    pthread_mutex_unlock(&waits->interrupt_lock);
}

void wait_tick(struct server *server)
{
    struct wait_table *waits = server->waits;
    struct wait_list list = TAILQ_HEAD_INITIALIZER(list);
    int64_t now = clock_nanoseconds();
    struct commit_wait *wait;

    pthread_mutex_lock(&server->wait_lock);
    take_interrupted(waits, &list);
    while ((wait = RB_MIN(waits_by_time, &waits->by_time)) && wait->deadline <= now)
        take(waits, wait, -ETIMEDOUT, &list);
    pthread_mutex_unlock(&server->wait_lock);
    answer(server, &list);
}

static void park(struct server *server, struct commit_wait *wait)
{
    struct wait_table *waits = server->waits;

    pthread_mutex_lock(&server->wait_lock);
    RB_INSERT(waits_by_file, &waits->by_file, wait);
    if (wait->deadline != INT64_MAX)
        RB_INSERT(waits_by_time, &waits->by_time, wait);
    waits->count++;
    wait->parked = true;
    fuse_req_interrupt_func(wait->request, interrupted, wait);
    pthread_cond_signal(&server->tick);
    pthread_mutex_unlock(&server->wait_lock);
}

static int make(fuse_req_t request, struct server *server, uint32_t file, const struct mapshare_abi_wait *in,
                struct commit_wait **out)
{
    struct user *user = user_find(&server->inodes.users, current_header()->uid);
    struct commit_wait *wait;

    if (!user_take(&server->inodes.users, user, HOLDS_PARKED))
        return -EDQUOT;
    *out = wait = malloc(sizeof *wait);
    if (!wait) {
        user_give(user, HOLDS_PARKED);
        return -ENOMEM;
    }
    *wait = (struct commit_wait){.request = request, .user = user, .file = file, .in = *in, .deadline = INT64_MAX};
    if (in->timeout_nanoseconds >= 0 && __builtin_add_overflow(clock_nanoseconds(), in->timeout_nanoseconds, &wait->deadline))
        wait->deadline = INT64_MAX;
    if (file)
        file_hold(&server->files, file);
    return 0;
}

void wait_for_commit(fuse_req_t request, struct server *server, uint32_t file, const struct mapshare_abi_wait *in)
{
    struct mapshare_abi_wait now = *in;
    struct commit_wait *wait;
    int error;

    now.reached = sequence_of(server, file);
    if (now.reached >= now.sequence) {
        reply(request, &now, 0);
        return;
    }
    error = make(request, server, file, in, &wait);
    if (error) {
        request_reply(request, error);
        return;
    }
    park(server, wait);
    wait_answer(server, file); /* what was committed meanwhile */
}

void wait_for_any(fuse_req_t request, struct server *server, const struct mapshare_abi_wait *in)
{
    int error = request_may_manage(server, INODE_ROOT);

    if (error)
        request_reply(request, error);
    else
        wait_for_commit(request, server, 0, in);
}
