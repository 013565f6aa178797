/* What is in files: as they are, or as their last commits left them. */
#include "config.h"

#include "command.h"
#include "inspect.h"
#include "message.h"
#include "output.h"

#include "mapshare.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define PIECE ((size_t)1 << 20)

/* Of the snapshot, or where there is none of what is open at `fd`. */
static int print_file(struct mapshare_view *snapshot, size_t number, int fd, char *buffer, const char **failed)
{
    uint64_t at = 0;
    ssize_t n;
    int error = 0;

    do {
        n = snapshot ? mapshare_snapshot_read(snapshot, number, buffer, PIECE, at) : pread(fd, buffer, PIECE, (off_t)at);
        if (n < 0)
            return -errno;
        at += (uint64_t)n;
        error = output_write(STDOUT_FILENO, buffer, (size_t)n);
        if (error)
            *failed = "standard output";
    } while (n && !error);
    return error;
}

static enum exit_status print_all(const struct arguments *arguments, struct mapshare_view *snapshot, struct mapshare **list)
{
    char *buffer = malloc(PIECE);
    int error = buffer ? 0 : -ENOMEM;

    for (int i = 0; i < arguments->operand_count; i++) {
        const char *name = arguments->operands[i];

        if (!error)
            error = print_file(snapshot, (size_t)i, mapshare_fd(list[i]), buffer, &name);
        if (error) {
            message_error(name, error);
            break;
        }
    }
    free(buffer);
    return error ? STATUS_FAILURE : STATUS_OK;
}

static int open_one(const char *name, struct mapshare **ms)
{
    struct stat status;
    int look = inspect_open_file(name, &status);

    if (look < 0)
        return look;
    *ms = mapshare_open(name, O_RDONLY | O_NOATIME, 0, NULL);
    if (!*ms && errno == EPERM)
        *ms = mapshare_open(name, O_RDONLY, 0, NULL);
    close(look);
    return *ms ? 0 : -errno;
}

enum exit_status command_cat(const struct arguments *arguments)
{
    size_t count = (size_t)arguments->operand_count;
    struct mapshare **list = calloc(count, sizeof *list);
    struct mapshare_view *snapshot = NULL;
    enum exit_status status = STATUS_FAILURE;
    int error = list ? 0 : -ENOMEM, at = 0;

    for (; list && at < arguments->operand_count && !error; at += !error)
        error = open_one(arguments->operands[at], &list[at]);
    if (!error && arguments->committed) {
        snapshot = mapshare_snapshot(list, count, 0);
        error = snapshot ? 0 : -errno;
        at = 0;
    }
    if (error)
        message_error(arguments->operands[at], error);
    else
        status = print_all(arguments, snapshot, list);
    if (snapshot)
        mapshare_snapshot_close(snapshot);
    for (size_t i = 0; list && i < count && list[i]; i++)
        mapshare_close(list[i]);
    free(list);
    return status;
}
