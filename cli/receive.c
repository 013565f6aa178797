/* mapshare receive: what a follower says is done, message by message. */
#include "config.h"

#include "command.h"
#include "descriptors.h"
#include "receive/receive.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES_MOST 4000u /* of a group, which has 4,096 at most */

static int hello(struct receive *receive)
{
    struct wire_hello hello;
    int error = wire_expect(&receive->wire, WIRE_HELLO, &hello, sizeof hello);

    if (error == -EPIPE)
        return error;
    if (!error &&
        (memcmp(hello.magic, WIRE_MAGIC, sizeof hello.magic) || hello.order != WIRE_ORDER || hello.version != WIRE_VERSION))
        error = -EPROTO;
    return error ? receive_tell(receive, "what comes", error) : receive_begin(receive, &hello);
}

static int begin_batch(struct receive *receive)
{
    receive->names_length = 0;
    receive->current = receive->count;
    return ftruncate(mapshare_fd(receive->names), 0) ? receive_tell(receive, "names", -errno) : 0;
}

static int end_batch(struct receive *receive, const struct wire_commit *commit)
{
    struct wire_done done = {.sequence = commit->sequence};
    int error;

    receive->commit = *commit;
    receive->done = (struct wire_state){.sequence = commit->sequence, .complete = 1};
    error = receive_commit(receive);
    if (!error)
        error = receive_make_names(receive);
    if (error)
        return error;
    receive->names_length = 0;
    done.failed = receive->failed;
    return wire_send(&receive->wire, WIRE_DONE, &done, sizeof done);
}

/* A message of one length. */
static const void *exactly(const struct receive *receive, size_t length, size_t wanted)
{
    return length == wanted ? receive->wire.message : NULL;
}

static int act(struct receive *receive, int kind, size_t length)
{
    const unsigned char *bytes = receive->wire.message;
    const void *all;
    uint64_t offset;

    switch (kind) {
    case WIRE_PING:
        return 0;
    case WIRE_BEGIN:
        return begin_batch(receive);
    case WIRE_DROP:
    case WIRE_ENTRY:
    case WIRE_GONE:
        return receive_name(receive, kind, bytes, length);
    case WIRE_FILE:
        all = exactly(receive, length, sizeof(struct wire_file));
        return all ? receive_file(receive, all) : -EPROTO;
    case WIRE_HOLE:
        all = exactly(receive, length, sizeof(struct wire_range));
        return all ? receive_hole(receive, all) : -EPROTO;
    case WIRE_ASK:
        all = exactly(receive, length, sizeof(struct wire_ask));
        return all ? receive_ask(receive, all) : -EPROTO;
    case WIRE_COMMIT:
        all = exactly(receive, length, sizeof(struct wire_commit));
        return all ? end_batch(receive, all) : -EPROTO;
    case WIRE_DATA:
        if (length <= sizeof offset)
            return -EPROTO;
        memcpy(&offset, bytes, sizeof offset);
        return receive_data(receive, offset, bytes + sizeof offset, length - sizeof offset);
    default:
        return -EPROTO;
    }
}

/* Until the follower goes. */
static int serve(struct receive *receive)
{
    size_t length;
    int kind, error = hello(receive);

    if (!error)
        error = receive_list(receive);
    receive->wire.patience = WIRE_SILENCE_SECONDS * 1000;
    while (!error && (kind = wire_receive(&receive->wire, &length)) != 0) {
        error = kind < 0 ? kind : act(receive, kind, length);
        if (error == -EPROTO)
            receive_tell(receive, "what comes", error);
        else if (kind < 0)
            receive_tell(receive, "the follower", error);
    }
    receive_roll_back(receive);
    return error == -EPIPE ? 0 : error;
}

enum exit_status command_receive(const struct arguments *arguments)
{
    struct receive receive = {.name = arguments->operands[0], .root = -1, .control = -1, .files = -1};
    size_t descriptors = descriptors_raise_limit();
    int error;

    umask(077);
    receive.files_most = descriptors / 4 < FILES_MOST ? descriptors / 4 : FILES_MOST;
    error = wire_begin(&receive.wire, STDIN_FILENO, STDOUT_FILENO);
    if (error)
        receive_tell(&receive, "memory", error);
    if (!error)
        error = receive_open(&receive);
    if (!error && receive.names_length) /* of the last batch: perhaps not all were made */
        error = receive_make_names(&receive);
    if (!error)
        error = serve(&receive);
    receive_close(&receive);
    wire_end(&receive.wire);
    return error ? STATUS_FAILURE : STATUS_OK;
}
