/* What is done to several files as one: sync, rollback. */
#include "config.h"

#include "command.h"
#include "descriptors.h"
#include "inspect.h"
#include "message.h"
#include "output.h"

#include "mapshare.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct group {
    struct mapshare **list;
    size_t count;
    dev_t device; /* of the first */
};

static int add(struct group *group, const char *name)
{
    struct stat status;
    int look = inspect_open_file(name, &status); /* what is not ours is not opened for writing */
    struct mapshare *ms = look < 0 ? NULL : mapshare_open(name, O_RDWR, 0, NULL);
    int result = look < 0 ? look : !ms ? -errno : 0;

    if (look >= 0)
        close(look);
    if (result)
        return result;
    if (group->count && group->device != status.st_dev) {
        mapshare_close(ms);
        return -EXDEV;
    }
    group->device = status.st_dev;
    group->list[group->count++] = ms;
    return 0;
}

static void receipt_print(const struct mapshare_receipt *receipt, size_t files, bool json)
{
    char text[OUTPUT_TIME_SIZE];
    struct json_object *object;

    if (!json && !receipt->sequence) {
        puts("no commit since the mount");
        return;
    }
    if (!json) {
        printf("sequence %" PRIu64 ", durable at %s\n", receipt->sequence, output_time(text, receipt->time));
        return;
    }
    object = json_object_new_object();
    json_object_object_add(object, "sequence", json_object_new_uint64(receipt->sequence));
    json_object_object_add(object, "time", json_time(receipt->time));
    json_object_object_add(object, "files", json_object_new_uint64(files));
    json_print(object);
}

/* Which of them was the reason is not known. */
static void tell_failure(const struct arguments *arguments, int error)
{
    char *names;

    if (arguments->operand_count == 1 ||
        asprintf(&names, "%s and %d more", arguments->operands[0], arguments->operand_count - 1) < 0) {
        message_error(arguments->operands[0], error);
        return;
    }
    message_error(names, error);
    free(names);
}

typedef int act_on(struct mapshare *const list[], size_t count, struct mapshare_receipt *receipt);

static enum exit_status act(struct group *group, const struct arguments *arguments, act_on *how)
{
    struct mapshare_receipt receipt;

    for (int i = 0; i < arguments->operand_count; i++) {
        int result = add(group, arguments->operands[i]);

        if (result) {
            message_error(arguments->operands[i], result);
            return STATUS_FAILURE;
        }
    }
    if (how(group->list, group->count, &receipt)) {
        tell_failure(arguments, -errno);
        return STATUS_FAILURE;
    }
    receipt_print(&receipt, group->count, arguments->json);
    return STATUS_OK;
}

static enum exit_status act_on_all(const struct arguments *arguments, act_on *how)
{
    struct group group = {.list = calloc((size_t)arguments->operand_count, sizeof(struct mapshare *))};
    enum exit_status status = STATUS_FAILURE;

    descriptors_raise_limit();
    if (group.list)
        status = act(&group, arguments, how);
    else
        message_error(arguments->operands[0], -ENOMEM);
    for (size_t i = 0; i < group.count; i++)
        mapshare_close(group.list[i]);
    free(group.list);
    return status;
}

enum exit_status command_sync(const struct arguments *arguments)
{
    return act_on_all(arguments, mapshare_commit);
}

enum exit_status command_rollback(const struct arguments *arguments)
{
    return act_on_all(arguments, mapshare_rollback);
}
