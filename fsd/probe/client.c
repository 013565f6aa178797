/* The worker's end: questions are parked and sent in slices, a listening thread completes them, and another one those whose end is long. As many
 * slices are under way as the probe has lanes, of one user's questions a part of that, until they have ended; users take turns, and so do one user's
 * questions. */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "latency.h"
#include "log.h"
#include "priority.h"
#include "probe/protocol.h"

#define PATIENCE_SECONDS 15 /* for a slice: more than a flush waits for room in a full mount */
#define ALONE_SECONDS 3

TAILQ_HEAD(request_list, probe_request);

/* A user who has asked. */
struct asker {
    struct request_list waiting; /* for their next slice */
    uint32_t under_way;
    bool listed;
    TAILQ_ENTRY(asker) link; /* of the turns: has something waiting, and may have it under way */
};

struct probe_client {
    struct inode_table *inodes;
    int channel;
    pthread_mutex_t lock; /* guards all below; a leaf */
    struct asker askers[USERS_MAX];
    TAILQ_HEAD(, asker)
    turns;
    struct request_list asked; /* under way, oldest first */
    struct request_list ends;  /* long ones */
    pthread_cond_t has_ends;
    uint32_t under_way, user_most;
    uint64_t next_id;
    pid_t keeper; /* without it there is no probe */
    long logged;
};

static struct asker *asker_of(struct probe_client *client, const struct probe_request *request)
{
    return &client->askers[request->user - client->inodes->users.all];
}

/* Each slice has an id of its own: an answer that comes late, or twice, is nobody's. */
static bool send_question(struct probe_client *client, struct probe_request *request)
{
    struct inode_table *inodes = client->inodes;
    struct question question = {
        .id = request->id = ++client->next_id,
        .node = inode_node(inodes, request->inode),
        .generation = inodes->arena->inodes[request->inode].generation,
        .question = request->question,
        .first = request->first,
    };

    request->sent = clock_seconds();
    if (!inodes->handles && !inode_path(inodes, request->inode, question.path))
        return false;
    return send(client->channel, &question, sizeof question - (question.path[0] ? 0 : sizeof question.path - 1),
                MSG_DONTWAIT | MSG_NOSIGNAL) > 0;
}

/* ---- turns; the lock is held ---- */

static void list_asker(struct probe_client *client, struct asker *asker)
{
    const struct users *users = &client->inodes->users;
    bool exempt = user_is_exempt(users, &users->all[asker - client->askers]);

    if (asker->listed || TAILQ_EMPTY(&asker->waiting) || asker->under_way >= (exempt ? LANES : client->user_most))
        return;
    TAILQ_INSERT_TAIL(&client->turns, asker, link);
    asker->listed = true;
}

static void put_in_line(struct probe_client *client, struct probe_request *request)
{
    struct asker *asker = asker_of(client, request);

    TAILQ_INSERT_TAIL(&asker->waiting, request, link);
    list_asker(client, asker);
}

static void take_back(struct probe_client *client, struct probe_request *request)
{
    TAILQ_REMOVE(&client->asked, request, link);
    client->under_way--;
}

static void give_way(struct probe_client *client, struct asker *asker)
{
    asker->under_way--;
    list_asker(client, asker);
}

/* What cannot be sent is put on `failed`: that, and all that is to be completed, is still under way for its user. */
static void send_next(struct probe_client *client, struct request_list *failed)
{
    struct asker *asker;

    while (client->under_way < LANES && (asker = TAILQ_FIRST(&client->turns))) {
        struct probe_request *request = TAILQ_FIRST(&asker->waiting);

        TAILQ_REMOVE(&client->turns, asker, link);
        TAILQ_REMOVE(&asker->waiting, request, link);
        asker->listed = false;
        asker->under_way++;
        if (send_question(client, request)) {
            TAILQ_INSERT_TAIL(&client->asked, request, link);
            client->under_way++;
        } else {
            request->error = -ENOSYS;
            TAILQ_INSERT_TAIL(failed, request, link);
        }
        list_asker(client, asker);
    }
}

/* ---- ends; without the lock ---- */

/* Its user's next question may follow: what of that cannot be sent is put on `failed`. */
static void end(struct probe_client *client, struct probe_request *request, struct request_list *failed)
{
    struct asker *asker = asker_of(client, request);
    struct user *user = request->user;
    struct probe_run *runs = request->runs;
    uint64_t begun = clock_nanoseconds();

    if (request->error) {
        request->runs = NULL;
        request->run_count = 0;
    }
    user_give(user, HOLDS_PARKED);
    request->done(request);
    free(runs);
    atomic_fetch_add_explicit(&user->probe_time, clock_nanoseconds() - begun, memory_order_relaxed);
    pthread_mutex_lock(&client->lock);
    give_way(client, asker);
    send_next(client, failed);
    pthread_mutex_unlock(&client->lock);
}

static void complete(struct probe_client *client, struct request_list *list)
{
    struct probe_request *request;

    while ((request = TAILQ_FIRST(list))) {
        TAILQ_REMOVE(list, request, link);
        if (!request->long_end) {
            end(client, request, list);
            continue;
        }
        pthread_mutex_lock(&client->lock);
        TAILQ_INSERT_TAIL(&client->ends, request, link);
        pthread_cond_signal(&client->has_ends);
        pthread_mutex_unlock(&client->lock);
    }
}

static void *end_thread(void *argument)
{
    struct probe_client *client = argument;

    priority_usual();
    for (;;) {
        struct request_list failed = TAILQ_HEAD_INITIALIZER(failed);
        struct probe_request *request;

        pthread_mutex_lock(&client->lock);
        while (!(request = TAILQ_FIRST(&client->ends)))
            pthread_cond_wait(&client->has_ends, &client->lock);
        TAILQ_REMOVE(&client->ends, request, link);
        pthread_mutex_unlock(&client->lock);
        end(client, request, &failed);
        complete(client, &failed);
    }
    return NULL;
}

int probe_ask(struct probe_client *client, struct probe_request *request, uint32_t user)
{
    struct request_list failed = TAILQ_HEAD_INITIALIZER(failed);
    struct users *users = &client->inodes->users;

    if (getppid() != client->keeper)
        return -ENOSYS;
    request->user = user_find(users, user);
    if (!user_take(users, request->user, HOLDS_PARKED))
        return -EDQUOT;
    pthread_mutex_lock(&client->lock);
    put_in_line(client, request);
    send_next(client, &failed);
    pthread_mutex_unlock(&client->lock);
    complete(client, &failed);
    return 0;
}

bool probe_is_idle(struct probe_client *client)
{
    bool idle;

    pthread_mutex_lock(&client->lock);
    idle = TAILQ_EMPTY(&client->asked) && TAILQ_EMPTY(&client->turns);
    pthread_mutex_unlock(&client->lock);
    return idle;
}

/* ---- answers ---- */

static void take_run(struct probe_request *request, const struct probe_run *run)
{
    struct probe_run *last = request->run_count ? &request->runs[request->run_count - 1] : NULL;

    if (last && last->last + 1 == run->first) {
        last->last = run->last;
        return;
    }
    if (request->run_count == request->run_max) {
        uint32_t max = request->run_max * 2 + RUNS_PER_ANSWER;
        struct probe_run *more = realloc(request->runs, max * sizeof *more);

        if (!more) {
            request->error = -ENOMEM;
            return;
        }
        request->runs = more;
        request->run_max = max;
    }
    request->runs[request->run_count++] = *run;
}

/* The lock is held. */
static void take_answer(struct probe_client *client, const struct answer *answer, struct request_list *ended)
{
    struct probe_request *request;

    TAILQ_FOREACH (request, &client->asked, link) {
        if (request->id == answer->id)
            break;
    }
    if (!request)
        return;
    take_back(client, request);
    atomic_fetch_add_explicit(&request->user->probe_time, answer->nanoseconds, memory_order_relaxed);
    for (uint32_t i = 0; i < answer->count && !request->error; i++)
        take_run(request, &answer->runs[i]);
    if (answer->error)
        request->error = answer->error;
    request->first = answer->next;
    if (request->error || !answer->next || (request->limit && request->run_count > request->limit)) {
        TAILQ_INSERT_TAIL(ended, request, link);
    } else {
        give_way(client, asker_of(client, request));
        put_in_line(client, request);
    }
}

/* A new probe: the old one took its questions with it. The lock is held. */
static void ask_again(struct probe_client *client)
{
    struct probe_request *request;

    TAILQ_FOREACH (request, &client->asked, link)
        send_question(client, request);
}

/* A lane that waits for what does not come keeps nobody for ever. The lock is held. */
static void give_up_late(struct probe_client *client, struct request_list *ended)
{
    struct probe_request *request;

    while ((request = TAILQ_FIRST(&client->asked)) && clock_seconds() - request->sent > PATIENCE_SECONDS) {
        take_back(client, request);
        request->error = -ENOSYS;
        TAILQ_INSERT_TAIL(ended, request, link);
        log_limited(&client->logged,
                    "the kernel did not tell within %d s which pages of a file are dirty: that is taken for unknown",
                    PATIENCE_SECONDS);
    }
}

/* The keeper was killed, and the probe with it: nobody answers any more. The lock is held. */
static void give_up_all(struct probe_client *client, struct request_list *ended)
{
    struct probe_request *request;
    struct asker *asker;

    while ((request = TAILQ_FIRST(&client->asked))) {
        take_back(client, request);
        request->error = -ENOSYS;
        TAILQ_INSERT_TAIL(ended, request, link);
    }
    while ((asker = TAILQ_FIRST(&client->turns))) {
        TAILQ_REMOVE(&client->turns, asker, link);
        asker->listed = false;
    }
    for (asker = client->askers; asker < client->askers + USERS_MAX; asker++) {
        TAILQ_FOREACH (request, &asker->waiting, link) {
            request->error = -ENOSYS;
            asker->under_way++;
        }
        TAILQ_CONCAT(ended, &asker->waiting, link);
    }
}

/* Once a second. A stand-by would have ended us long before. */
static void tell_alone(unsigned *seconds)
{
    if (++*seconds == ALONE_SECONDS)
        log_line(LOG_FATAL, "the keeper and its stand-by were ended, and there can be no next worker: unmount, and mount again");
}

static void *listen_thread(void *argument)
{
    struct probe_client *client = argument;
    static struct answer answer;
    unsigned alone = 0;

    priority_usual();
    for (;;) {
        struct request_list ended = TAILQ_HEAD_INITIALIZER(ended);
        ssize_t n = recv(client->channel, &answer, sizeof answer, 0);
        bool nothing = n < 0 && (errno == EINTR || errno == EAGAIN);
        bool orphaned = nothing && getppid() != client->keeper;

        if (!nothing && n < (ssize_t)offsetof(struct answer, runs))
            break;
        pthread_mutex_lock(&client->lock);
        if (!nothing && answer.id == HELLO)
            ask_again(client);
        else if (!nothing)
            take_answer(client, &answer, &ended);
        else if (orphaned)
            give_up_all(client, &ended);
        give_up_late(client, &ended);
        send_next(client, &ended);
        pthread_mutex_unlock(&client->lock);
        complete(client, &ended);
        if (orphaned)
            tell_alone(&alone);
    }
    return NULL;
}

void probe_client_share(struct probe_client *client, uint32_t user_most)
{
    pthread_mutex_lock(&client->lock);
    client->user_most = user_most;
    pthread_mutex_unlock(&client->lock);
}

int probe_client_open(struct probe_client **out, struct inode_table *inodes, int channel, uint32_t user_most)
{
    struct probe_client *client = calloc(1, sizeof *client);
    pthread_t threads[2];

    if (!client)
        return -ENOMEM;
    client->inodes = inodes;
    client->channel = channel;
    client->user_most = user_most;
    client->keeper = getppid();
    setsockopt(channel, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){.tv_sec = 1}, sizeof(struct timeval));
    client->next_id = (uint64_t)getpid() << 32; /* answers to a dead worker's questions match none of ours */
    pthread_mutex_init(&client->lock, NULL);
    TAILQ_INIT(&client->turns);
    TAILQ_INIT(&client->asked);
    TAILQ_INIT(&client->ends);
    pthread_cond_init(&client->has_ends, NULL);
    for (uint32_t i = 0; i < USERS_MAX; i++)
        TAILQ_INIT(&client->askers[i].waiting);
    if (pthread_create(&threads[0], NULL, end_thread, client) || pthread_create(&threads[1], NULL, listen_thread, client))
        return -EAGAIN;
    pthread_detach(threads[0]);
    pthread_detach(threads[1]);
    *out = client;
    return 0;
}
