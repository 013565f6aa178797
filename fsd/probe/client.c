/* The worker's end: questions are sent and parked, a listening thread completes them. */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "probe/protocol.h"

struct probe_client {
    struct inode_table *inodes;
    int channel;
    pthread_mutex_t lock; /* guards the list; a leaf */
    TAILQ_HEAD(, probe_request)
    asked;
    uint64_t next_id;
    pid_t keeper; /* without it there is no probe */
};

static bool send_question(struct probe_client *client, const struct probe_request *request)
{
    struct inode_table *inodes = client->inodes;
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

bool probe_is_idle(struct probe_client *client)
{
    bool idle;

    pthread_mutex_lock(&client->lock);
    idle = TAILQ_EMPTY(&client->asked);
    pthread_mutex_unlock(&client->lock);
    return idle;
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

int probe_client_open(struct probe_client **out, struct inode_table *inodes, int channel)
{
    struct probe_client *client = calloc(1, sizeof *client);
    pthread_t thread;

    if (!client)
        return -ENOMEM;
    client->inodes = inodes;
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
