/* The worker: serves requests, commits, checkpoints. May die at any instant; the next one takes over. */
#include "config.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "alive.h"
#include "clock.h"
#include "fault.h"
#include "cache/damage.h"
#include "file/checkpoint.h"
#include "file/event.h"
#include "file/flusher.h"
#include "file/lists.h"
#include "file/rollback.h"
#include "file/sweep.h"
#include "file/takeover.h"
#include "log.h"
#include "mapshare-abi.h"
#include "priority.h"
#include "process/daemon.h"
#include "process/watchdog.h"
#include "process/lock.h"
#include "probe/probe.h"
#include "request/attribute.h"
#include "request/freeze.h"
#include "request/parked_write.h"
#include "request/current.h"
#include "request/handle.h"
#include "request/operations.h"
#include "request/receive.h"
#include "request/rollback.h"
#include "request/takeover.h"
#include "request/tuning.h"
#include "request/wait.h"
#include "request/poller.h"
#include "request/thaw.h"
#include "request/watch.h"
#include "sandbox/sandbox.h"
#include "store/mode.h"
#include "store/removed.h"
#include "usdt.h"

#define TICK_NANOSECONDS 10000000l
#define FINISH_TRIES 10
#define WRITES_IN_FLIGHT 64

/* ---- the session ---- */

/* libfuse writes all replies through here. The kernel hears one INIT reply, with a flag that libfuse 3.14 does not know; later
 * workers' sessions are told of the same INIT, and what they reply is not passed on. */
static _Atomic bool replaying;

static ssize_t write_reply(int fd, struct iovec *iov, int count, void *userdata)
{
    const struct server *server = userdata;
    const struct arena_header *header = server->arena.header;
    const struct fuse_out_header *out = iov[0].iov_base;
    const struct fuse_in_header *init = (const void *)header->init;

    if (replaying)
        return out->len;
    if (header->init_length && out->unique == init->unique && count > 1 && !out->error) {
        const struct fuse_init_in *in = (const void *)(init + 1);

        ((struct fuse_init_out *)iov[1].iov_base)->flags |= in->flags & FUSE_HANDLE_KILLPRIV_V2;
    }
    return writev(fd, iov, count);
}

static ssize_t read_request(int fd, void *buffer, size_t size, void *userdata)
{
    (void)userdata;
    return read(fd, buffer, size);
}

static const struct fuse_custom_io session_io = {.writev = write_reply, .read = read_request};

static int open_session(struct server *server, int fd)
{
    char program[] = "mapsharefs";
    char *argv[] = {program, NULL};
    struct fuse_args args = FUSE_ARGS_INIT(1, argv);

    server->session = fuse_session_new(&args, &request_operations, sizeof request_operations, server);
    fuse_opt_free_args(&args);
    if (!server->session)
        return -ENOMEM;
    return fuse_session_custom_io(server->session, &session_io, fd);
}

/* Not the first: tell the session what the kernel and the first worker agreed on, then have the kernel send again what the dead one
 * left unanswered. */
static int take_over_session(struct server *server)
{
    struct arena_header *header = server->arena.header;
    struct fuse_buf init = {.mem = header->init, .size = header->init_length};
    int error;

    if (!header->init_length)
        return 0;
    replaying = true;
    fuse_session_process_buf(server->session, &init);
    replaying = false;
    error = request_send_again(fuse_session_fd(server->session));
    return error == -ENODEV ? 0 : error;
}

/* ---- the threads ---- */

static void *serve_thread(void *argument)
{
    struct server *server = argument;
    int error;

    priority_usual();
    error = request_serve(server);
    pthread_mutex_lock(&server->wait_lock);
    server->serving--;
    if (error)
        server->served = error;
    pthread_cond_signal(&server->tick);
    pthread_mutex_unlock(&server->wait_lock);
    return NULL;
}

static int start_serving(struct server *server)
{
    for (uint64_t i = 0; i < server->options->threads; i++) {
        pthread_t thread;

        pthread_mutex_lock(&server->wait_lock);
        server->serving++;
        pthread_mutex_unlock(&server->wait_lock);
        if (pthread_create(&thread, NULL, serve_thread, server))
            return -EAGAIN;
        pthread_detach(thread);
    }
    return 0;
}

/* Until the mount is gone; meanwhile parked waits are looked after. */
static int wait_until_served(struct server *server)
{
    int served;

    pthread_mutex_lock(&server->wait_lock);
    while (server->serving) {
        struct timespec until = clock_after(TICK_NANOSECONDS);

        if (wait_is_empty(server) && !server->parked && !freeze_is_on(server)) {
            pthread_cond_wait(&server->tick, &server->wait_lock);
        } else {
            clock_wait(&server->tick, &server->wait_lock, &until);
            pthread_mutex_unlock(&server->wait_lock);
            wait_tick(server);
            write_retry_parked(server);
            thaw_tick(server);
            pthread_mutex_lock(&server->wait_lock);
        }
    }
    served = server->served;
    pthread_mutex_unlock(&server->wait_lock);
    return served;
}

static void committed(void *server, uint32_t file)
{
    wait_answer(server, file);
    if (file)
        poller_tell(server, ((struct server *)server)->arena.files[file].inode);
}

static void attributes_changed(struct files *files, uint32_t inode)
{
    attribute_untell((struct server *)((char *)files - offsetof(struct server, files)), inode);
}

static void tell_options(struct server *server)
{
    struct options options = tuning_options(server);

    lock_tell_options(server->lock, &options);
}

/* ---- the end ---- */

static void stop_threads(struct files *files, const pthread_t *threads, size_t count)
{
    wishes_stop(&files->wishes);
    for (size_t i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
}

/* Invariant 12: default files' changes are committed, atomic files' are discarded, and the store alone is complete. The
 * checkpointer still runs while commits may need room in the journal. */
static int finish(struct files *files, const pthread_t *threads, size_t count, int lock)
{
    int error = -1, left = -1;

    for (int i = 0; i < FINISH_TRIES && error; i++) {
        if (i)
            sleep(1);
        alive_still();
        error = flush_all(files);
    }
    if (error)
        log_line(LOG_FATAL, "changes could not be committed at unmount: %s: they are lost", strerror(-error));
    stop_threads(files, threads, count);
    alive_word = &files->arena->header->flusher_alive; /* in its place */
    for (uint32_t i = 1; i <= files->arena->header->file_used; i++) {
        if (files->arena->files[i].inode)
            rollback_file(files, i);
    }
    journal_rollback(files->journal); /* what was journaled ahead and not committed */
    for (int i = 0; i < FINISH_TRIES && left; i++) {
        if (i)
            sleep(1);
        alive_still();
        left = checkpoint_all(files);
        if (left)
            log_line(LOG_WARN, "the store could not be completed: %s; what is committed stays in its journal", strerror(-left));
    }
    if (!left && !list_is_empty(files, LIST_DAMAGED)) {
        log_line(LOG_FATAL,
                 "files whose records were damaged are not as they were: the next mount brings back their last commits that the "
                 "journal has");
        error = left = -EUCLEAN;
    }
    if (!left)
        sweep_all(files);
    if (error)
        lock_tell(lock, MAPSHARE_LOCK_LOST "%s", strerror(-error));
    else if (left)
        lock_tell(lock, MAPSHARE_LOCK_LEFT "%s", strerror(-left));
    return error || left ? WORKER_UNSAVED : WORKER_DONE;
}

/* A store that is small and used little shall not keep the journal of its busiest hour. */
static void leave_journal(const struct daemon *daemon, uint64_t size)
{
    int error = size ? journal_leave(daemon->owned[OWNED_PRIVATE_FOLDER], size) : 0;

    if (error)
        log_line(LOG_NOTE, "the journal is not made smaller (journal_left): %s", strerror(-error));
}

/* What the store's private folder has for its inodes. */
static int open_private(struct server *server, const struct daemon *daemon)
{
    int fd = removed_open(daemon->owned[OWNED_STORE]), error;

    if (fd < 0)
        return fd;
    server->inodes.removed = fd;
    server->inodes.private = daemon->owned[OWNED_PRIVATE_FOLDER];
    mode_restore(server->inodes.store, server->inodes.private, false);
    error = inode_key_open(&server->inodes, server->inodes.private);
    if (error)
        log_line(LOG_WARN, "file handles that clients keep may become stale: no key in the store's private folder: %s",
                 strerror(-error));
    return 0;
}

/* Another machine has taken the store over. No client may hear anything any more that it could take for a promise. */
static void end_lost(void)
{
    log_line(LOG_FATAL, "another daemon has the store's journal now: nothing is served or written here any more");
    _exit(WORKER_DAMAGED);
}

/* A new one is written as fast as the disk takes it, which is no hang. */
static int open_journal(struct server *server, struct daemon *daemon)
{
    struct arena_header *header = server->arena.header;
    int error;

    atomic_fetch_add(&header->io_under_way, 1);
    error = journal_open(&server->journal, server->store, daemon->owned[OWNED_PRIVATE_FOLDER], daemon->options->journal_size,
                         daemon->options->generation, &header->journal);
    atomic_fetch_add(&header->flusher_alive, 2); /* from here on it is to get on again */
    atomic_fetch_sub(&header->io_under_way, 1);
    return error;
}

static int open_floors(struct server *server, struct daemon *daemon)
{
    int error = inode_table_open(&server->inodes, &server->arena, daemon->owned[OWNED_STORE]);

    if (!error)
        error = area_table_open(&server->areas, &server->arena);
    server->inodes.areas = &server->areas;
    if (!error)
        error = descriptor_cache_open(&server->descriptors, &server->inodes, daemon->options->threads, daemon->owned, OWNED_COUNT);
    if (!error && !daemon->options->read_only)
        error = open_private(server, daemon);
    if (!error)
        error = frame_table_open(&server->frames, &server->arena, daemon->owned[OWNED_SPILL]);
    if (!error)
        error = store_open_uring(&server->store, WRITES_IN_FLIGHT, daemon->owned[OWNED_LOCK], &server->arena.header->io_under_way);
    if (!error && daemon->options->fault[0])
        error = fault_wrap(&server->store, daemon->options->fault, daemon->owned[OWNED_PRIVATE_FOLDER]);
    if (!error)
        error = open_journal(server, daemon);
    if (error == -ESTALE)
        end_lost();
    if (error)
        return error;
    journal_when_lost(server->journal, end_lost);
    server->files = (struct files){
        .arena = &server->arena,
        .options = daemon->options,
        .inodes = &server->inodes,
        .descriptors = &server->descriptors,
        .frames = &server->frames,
        .store = server->store,
        .journal = server->journal,
    };
    error = files_open(&server->files, committed, server);
    if (!error)
        error = handle_table_open(server);
    if (!error)
        error = wait_table_open(server);
    if (!error)
        error = poller_table_open(server);
    if (!error)
        error = freeze_open(server);
    if (!error) {
        tuning_begin(server);
        requests_take_over(server);
        inode_end_unused(&server->inodes);
    }
    return error;
}

/* All are blocked. Of these our own faults must be told by the sanitizers; sent by somebody else, they are one death more. */
static void let_faults_through(void)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        sigaddset(&set, faults[i]);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* Of one worker: each next one misses the same. */
static void tell_missing(const struct arena_header *header)
{
    const char *missing = sandbox_missing();

    if (missing && !header->ready)
        log_line(LOG_NOTE, "of the sandbox could not be applied: %s", missing);
}

/* Of a worker that serves nobody. What cannot be committed now stays received. */
static int rescue(struct files *files)
{
    pthread_t thread;
    int error;

    priority_usual();
    error = pthread_create(&thread, NULL, checkpoint_thread, files) ? -EAGAIN : flush_all(files);
    if (error)
        log_line(LOG_WARN, "not all that was received can be committed: %s", strerror(-error));
    return error ? WORKER_UNSAVED : WORKER_DONE;
}

int worker_run(struct daemon *daemon, bool rescues)
{
    static struct server server;
    pthread_t threads[2];
    const char *damage;
    int error;

    let_faults_through();
    watchdog_answer(daemon);
    sandbox_enter(SANDBOX_WORKER);
    umask(0);
    damage = arena_damage(&daemon->arena);
    if (damage) { /* the journal has all that is committed */
        log_line(LOG_FATAL, "the daemon's memory is damaged: its header %s: nothing is served or written any more", damage);
        return WORKER_DAMAGED;
    }
    server.options = daemon->options;
    server.arena = daemon->arena;
    server.privileged = geteuid() == 0;
    server.store_marks = daemon->store_marks;
    server.followed = NO_PROCESSOR;
    server.options_changed = tell_options;
    server.lock = daemon->owned[OWNED_LOCK];
    if (server.privileged && setgroups(0, NULL))
        log_line(LOG_NOTE, "root's groups stay: %s", strerror(errno));
    pthread_mutex_init(&server.set_lock, NULL);
    pthread_mutex_init(&server.wait_lock, NULL);
    pthread_mutex_init(&server.group_lock, NULL);
    pthread_mutex_init(&server.snapshot_lock, NULL);
    pthread_cond_init(&server.tick, NULL);
    error = open_floors(&server, daemon);
    if (!error && !rescues)
        error = open_session(&server, daemon->owned[OWNED_SESSION]);
    if (!error)
        tell_options(&server); /* a dead worker may have changed them and not told */
    priority_keep_own();
    sandbox_filter(SANDBOX_WORKER);
    tell_missing(server.arena.header);
    if (!error && rescues)
        return rescue(&server.files);
    server.files.attributes_changed = attributes_changed;
    if (!error)
        error = probe_client_open(&server.probe, &server.inodes, daemon->owned[OWNED_WORKER_END],
                                  arena_tuning(server.arena.header)->user_probes);
    if (!error && (pthread_create(&threads[0], NULL, flusher_thread, &server.files) ||
                   pthread_create(&threads[1], NULL, checkpoint_thread, &server.files)))
        error = -EAGAIN;
    if (!error)
        error = take_over_session(&server);
    if (!error) {
        rollback_take_over(&server);
        watch_take_over(&server);
        error = start_serving(&server);
    }
    priority_usual();
    if (error && server.arena.header->ready && (error == -EAGAIN || error == -ENOMEM || error == -EMFILE || error == -ENFILE))
        return WORKER_LACKED;
    if (error) {
        log_line(LOG_FATAL, "the worker cannot start: %s", strerror(-error));
        return WORKER_FAILED;
    }
    server.arena.header->serving_pid = getpid();
    USDT(takeover, getpid(), server.arena.header->counters.restarts);
    event_tell(&server.files, MAPSHARE_ABI_TAKEOVER, getpid(), server.arena.header->counters.restarts);
    error = wait_until_served(&server);
    if (error) {
        log_line(LOG_FATAL, "reading requests failed: %s", strerror(-error));
        return WORKER_FAILED;
    }
    error = finish(&server.files, threads, 2, daemon->owned[OWNED_LOCK]);
    journal_seal(server.journal);
    journal_close(server.journal);
    store_close(server.store);
    if (error == WORKER_DONE)
        leave_journal(daemon, arena_tuning(server.arena.header)->journal_left);
    if (error == WORKER_DONE)
        lock_tell(daemon->owned[OWNED_LOCK], MAPSHARE_LOCK_COMPLETE);
    return error;
}
