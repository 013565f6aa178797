#include "config.h"

#include "request/wait.h"

#include <errno.h>
#include <stdlib.h>

#include "file/status.h"
#include "request/current.h"

struct commit_wait {
    struct commit_wait *next;
    fuse_req_t request;
    uint32_t file;
    int64_t deadline; /* CLOCK_MONOTONIC; INT64_MAX: never */
    struct mapshare_abi_wait in;
    bool interrupted;
};

/* True when it was answered. What no commit of any file has reached is not looked for: a wait costs nothing until then. */
static bool try_answer(struct server *server, struct commit_wait *wait, uint64_t published, int64_t now)
{
    wait->in.reached = wait->in.sequence <= published ? status_sequence(&server->files, wait->file) : 0;
    if (wait->in.reached < wait->in.sequence && !wait->interrupted && now < wait->deadline)
        return false;
    fuse_req_interrupt_func(wait->request, NULL, NULL); /* returns when `interrupted` is not running */
    file_put(&server->files, wait->file);
    if (wait->in.reached >= wait->in.sequence)
        fuse_reply_ioctl(wait->request, 0, &wait->in, sizeof wait->in);
    else if (wait->interrupted)
        request_reply(wait->request, -EINTR);
    else
        request_reply(wait->request, -ETIMEDOUT);
    return true;
}

void wait_answer_all(struct server *server)
{
    uint64_t published = journal_sequence(server->journal);
    int64_t now = time_monotonic();

    pthread_mutex_lock(&server->wait_lock);
    for (struct commit_wait **at = &server->waits; *at;) {
        struct commit_wait *wait = *at;

        if (try_answer(server, wait, published, now)) {
            *at = wait->next;
            free(wait);
        } else {
            at = &wait->next;
        }
    }
    pthread_mutex_unlock(&server->wait_lock);
}

/* Only noted here: the library holds its own lock on the request. The next tick answers. */
static void interrupted(fuse_req_t request, void *data)
{
    (void)request;
    ((struct commit_wait *)data)->interrupted = true;
}

void wait_for_commit(fuse_req_t request, struct server *server, uint32_t file, const struct mapshare_abi_wait *in)
{
    struct commit_wait *wait = malloc(sizeof *wait);

    if (!wait) {
        request_reply(request, -ENOMEM);
        return;
    }
    *wait = (struct commit_wait){.request = request, .file = file, .in = *in, .deadline = INT64_MAX};
    if (in->timeout_nanoseconds >= 0 && __builtin_add_overflow(time_monotonic(), in->timeout_nanoseconds, &wait->deadline))
        wait->deadline = INT64_MAX;
    file_hold(&server->files, file);
    fuse_req_interrupt_func(request, interrupted, wait);
    pthread_mutex_lock(&server->wait_lock);
    wait->next = server->waits;
    server->waits = wait;
    pthread_cond_signal(&server->tick);
    pthread_mutex_unlock(&server->wait_lock);
    wait_answer_all(server);
}
