/* mapshare follow --to: connects, follows, connects again. */
#include "config.h"

#include "follow/to.h"

#include "clock.h"
#include "descriptors.h"
#include "follow/remote.h"
#include "follow/step.h"
#include "inspect.h"
#include "message.h"
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define FILES_MOST 4000u /* a group has no more than 4,096 */
#define PAUSE_MOST 60u   /* seconds between two tries */
#define LASTS 60         /* seconds: then the next try is made at once */

/* ---- a connection ---- */

/* Which files and names the far side has, and up to which commit. */
static int receive_state(struct follow *follow, struct wire_state *state)
{
    struct wire *wire = &follow->wire;
    struct wire_id id;
    size_t length;
    int kind, error = 0;

    while (!error && (kind = wire_receive(wire, &length)) != WIRE_STATE) {
        if (kind == WIRE_ID && length == sizeof id) {
            memcpy(&id, wire->message, sizeof id);
            error = tree_add_file(&follow->theirs, &id, 0);
        } else if (kind == WIRE_NAME && strlen((char *)wire->message) == length) {
            error = tree_add_path(&follow->theirs, (char *)wire->message);
        } else {
            error = kind < 0 ? kind : kind ? -EPROTO : -EPIPE;
        }
    }
    if (!error && length != sizeof *state)
        error = -EPROTO;
    if (!error)
        memcpy(state, wire->message, sizeof *state);
    tree_sort(&follow->theirs);
    return error;
}

/* From what the far side has. */
static int follow_begin(struct follow *follow)
{
    struct wire_hello hello = {.order = WIRE_ORDER, .version = WIRE_VERSION, .source = follow->source};
    struct wire_state state;
    int error;

    memcpy(hello.magic, WIRE_MAGIC, sizeof hello.magic);
    error = wire_send(&follow->wire, WIRE_HELLO, &hello, sizeof hello);
    if (!error)
        error = receive_state(follow, &state);
    if (error)
        return error;
    follow->done = (struct follow_batch){.sequence = state.sequence};
    follow->whole = !state.complete;
    follow->split = UINT64_MAX;
    feed_begin(&follow->reader, follow->root, MAPSHARE_ABI_COMMITS, follow->whole ? MAPSHARE_ABI_NOW : state.sequence);
    return 0;
}

static void follow_end(struct follow *follow)
{
    feed_end(&follow->reader);
    follow->reader = (struct feed_reader){0};
    tree_free(&follow->theirs);
    dirty_free(&follow->dirty);
    dirty_free(&follow->next);
    follow->walked = follow->walking = 0;
    follow->wants_walk = false;
    follow->broken = 0;
}

/* ---- what is told ---- */

static void print(const struct follow_batch *done)
{
    char time[OUTPUT_TIME_SIZE], size[OUTPUT_SIZE_SIZE];

    printf("%" PRIu64 "  %s  %" PRIu64 " files, %s, %" PRIu64 " names", done->sequence, output_time(time, done->time), done->files,
           output_size(size, done->bytes), done->names);
    if (done->failed)
        printf(", %" PRIu64 " not as they are", done->failed);
    printf("; behind: %" PRIu64 " commits, %" PRId64 ".%03" PRId64 " s\n", done->behind, done->behind_milliseconds / 1000,
           done->behind_milliseconds % 1000);
}

static void print_json(const struct follow_batch *done)
{
    struct json_object *object = json_object_new_object();

    json_object_object_add(object, "sequence", json_object_new_uint64(done->sequence));
    json_object_object_add(object, "time", json_time(done->time));
    json_object_object_add(object, "files", json_object_new_uint64(done->files));
    json_object_object_add(object, "bytes", json_object_new_uint64(done->bytes));
    json_object_object_add(object, "names", json_object_new_uint64(done->names));
    json_object_object_add(object, "names_failed", json_object_new_uint64(done->failed));
    json_object_object_add(object, "behind_commits", json_object_new_uint64(done->behind));
    json_object_object_add(object, "behind_milliseconds", json_object_new_int64(done->behind_milliseconds));
    json_print_line(object);
}

/* ---- */

/* Until there is an error, or with --once until the copy has what there was. */
static int follow_on(struct follow *follow, const struct arguments *arguments)
{
    int error = follow_begin(follow);
    bool idle = false;

    while (!error) {
        error = follow_step(follow, &idle);
        if (!error && !idle)
            error = follow_look(follow);
        if (!error && !idle) {
            arguments->json ? print_json(&follow->done) : print(&follow->done);
            if (fflush(stdout))
                return 0; /* told at the end */
        }
        if (!error && arguments->once && !follow->whole)
            return 0;
        if (!error)
            error = follow_wait(follow);
    }
    return error;
}

/* Whose fault it was: what of the mount fails will not be better with another connection. */
static bool is_lost(int error)
{
    return error == -EPIPE || error == -ECONNRESET || error == -EPROTO;
}

/* 0: the end; 1: to be tried again. */
static int connect_once(struct follow *follow, const struct arguments *arguments, char problem[128])
{
    struct remote remote;
    int error = remote_start(&remote, follow->destination, arguments->shell), status;

    if (error) {
        message_error(follow->destination, error);
        return -1;
    }
    error = wire_begin(&follow->wire, remote.in, remote.out);
    if (!error)
        error = follow_on(follow, arguments);
    follow_end(follow);
    wire_end(&follow->wire);
    status = remote_end(&remote);
    if (!error)
        return 0;
    if (!is_lost(error)) {
        message_error(follow->parts.mount, error);
        return -1;
    }
    if (WIFSIGNALED(status))
        snprintf(problem, 128, "the far side was ended by signal %d", WTERMSIG(status));
    else if (error == -EPROTO)
        snprintf(problem, 128, "what the far side says makes no sense: is it the same version?");
    else
        snprintf(problem, 128, "the far side ended with status %d", WEXITSTATUS(status));
    return WIFEXITED(status) && (WEXITSTATUS(status) == STATUS_USAGE || WEXITSTATUS(status) == 126 || WEXITSTATUS(status) == 127)
               ? -2
               : 1;
}

/* Again and again, each time after twice as long, unless it went well for a while. */
static enum exit_status connect_all(struct follow *follow, const struct arguments *arguments)
{
    unsigned pause = 1;

    for (;;) {
        time_t begun = clock_seconds();
        char problem[128];
        int result = connect_once(follow, arguments, problem);

        if (result == 0 || result == -1)
            return result ? STATUS_FAILURE : STATUS_OK;
        if (result == -2 || arguments->once) {
            message("%s: %s; its own message tells why", quoted(follow->destination), problem);
            return STATUS_FAILURE;
        }
        if (clock_seconds() >= begun + LASTS)
            pause = 1;
        message("%s: %s; the copy is as of commit %" PRIu64 ", and is tried again in %u s", quoted(follow->destination), problem,
                follow->done.sequence, pause);
        sleep(pause);
        pause = pause * 2 < PAUSE_MOST ? pause * 2 : PAUSE_MOST;
    }
}

static int open_source(struct follow *follow)
{
    struct mapshare_abi_feed feed = {.since = MAPSHARE_ABI_NOW};
    int error;

    follow->root = open(follow->parts.mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    error = follow->root < 0 ? -errno : inspect_feed(follow->root, &feed);
    if (!error && tree_identify_store(follow->parts.store, &follow->source)) {
        message_error(follow->parts.store, -errno);
        return -errno;
    }
    if (error == -EPERM)
        message("%s: only root and the mount's owner may copy it", quoted(follow->parts.mount));
    else if (error)
        message_error(follow->parts.mount, error);
    return error;
}

enum exit_status follow_to(const struct arguments *arguments)
{
    struct follow follow = {.destination = arguments->to, .root = -1};
    enum exit_status status = STATUS_FAILURE;
    size_t descriptors = descriptors_raise_limit();

    if (*arguments->to == '-' || *arguments->to == ':' || !*arguments->to) {
        message("follow: --to=%s: give FOLDER or HOST:FOLDER", quoted(arguments->to));
        return STATUS_USAGE;
    }
    follow.files_most = descriptors / 2 < FILES_MOST ? descriptors / 2 : FILES_MOST;
    signal(SIGPIPE, SIG_IGN);
    if (!backup_parts_find(&follow.parts, arguments->operands, (size_t)arguments->operand_count) && !open_source(&follow))
        status = connect_all(&follow, arguments);
    if (follow.root >= 0)
        close(follow.root);
    backup_parts_free(&follow.parts);
    return status;
}
