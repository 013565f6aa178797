/* Prints commits as they become durable: of a file, or of all files of a mount. */
#include "config.h"

#include "command.h"
#include "feed.h"
#include "follow/to.h"
#include "inspect.h"
#include "message.h"
#include "mounts.h"
#include "output.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct follower {
    struct feed_reader reader;
    bool json;
    const char *name;           /* of the file; NULL: each is told by its path */
    struct json_object *commit; /* being put together; NULL: none */
    uint64_t told;              /* all commits up to this one */
};

/* ---- for programs: an object a line ---- */

static void commit_end(struct follower *follower)
{
    if (follower->commit)
        json_print_line(follower->commit);
    follower->commit = NULL;
}

static struct json_object *change_json(const struct feed_change *change)
{
    struct json_object *object = json_object_new_object();

    json_object_object_add(object, "kind", json_object_new_string(feed_change_name(change->kind)));
    json_object_object_add(object, "first", json_object_new_uint64(change->first));
    if (change->last != UINT64_MAX)
        json_object_object_add(object, "last", json_object_new_uint64(change->last));
    return object;
}

static struct json_object *file_json(const struct follower *follower, const struct feed_event *event)
{
    struct json_object *file = json_object_new_object(), *changes = json_object_new_array();
    const char *name = follower->name ? follower->name : event->path;

    json_object_object_add(file, "path", *name ? json_name(name) : NULL);
    json_object_object_add(file, "inode", json_object_new_uint64(event->figures[0]));
    json_object_object_add(file, "size", json_object_new_uint64(event->figures[1]));
    for (size_t i = 0; i < event->count; i++)
        json_object_array_add(changes, change_json(&event->changes[i]));
    json_object_object_add(file, "changes", changes);
    return file;
}

static void commit_add(struct follower *follower, const struct feed_event *event)
{
    struct json_object *files;

    if (follower->told != event->sequence)
        commit_end(follower);
    if (!follower->commit) {
        follower->commit = json_object_new_object();
        json_object_object_add(follower->commit, "sequence", json_object_new_uint64(event->sequence));
        json_object_object_add(follower->commit, "time", json_time(event->time));
        json_object_object_add(follower->commit, "files", json_object_new_array());
    }
    json_object_object_get_ex(follower->commit, "files", &files);
    json_object_array_add(files, file_json(follower, event));
}

/* ---- for people: a file's part in a commit a line ---- */

static void change_print(const struct feed_change *change)
{
    putchar(' ');
    if (change->kind != MAPSHARE_ABI_STORED)
        printf("%s:", feed_change_name(change->kind));
    printf("%" PRIu64, change->first);
    if (change->last == UINT64_MAX)
        putchar('-');
    else if (change->last != change->first)
        printf("-%" PRIu64, change->last);
}

static void part_print(const struct follower *follower, const struct feed_event *event)
{
    const char *name = follower->name ? follower->name : event->path;
    char text[OUTPUT_TIME_SIZE], inode[32];

    snprintf(inode, sizeof inode, "inode %" PRIu64, event->figures[0]);
    printf("%" PRIu64 "  %s  %s  %" PRIu64 " bytes ", event->sequence, output_time(text, event->time), *name ? quoted(name) : inode,
           event->figures[1]);
    for (size_t i = 0; i < event->count; i++)
        change_print(&event->changes[i]);
    putchar('\n');
}

/* ---- both ---- */

/* Commits from the one after `told` on, to the one that is told next. */
static void lost_print(struct follower *follower, uint64_t next)
{
    struct json_object *object;

    commit_end(follower);
    if (!follower->json) {
        printf("lost: not known any more what the commits after %" PRIu64 " up to %" PRIu64 " changed\n", follower->told, next);
        return;
    }
    object = json_object_new_object();
    json_object_object_add(object, "lost", json_object_new_boolean(true));
    json_object_object_add(object, "after", json_object_new_uint64(follower->told));
    json_object_object_add(object, "upto", json_object_new_uint64(next));
    json_print_line(object);
}

static void each(void *context, const struct feed_event *event)
{
    struct follower *follower = context;

    if (event->kind == MAPSHARE_ABI_MANY)
        lost_print(follower, event->sequence);
    else if (follower->json)
        commit_add(follower, event);
    else
        part_print(follower, event);
    follower->told = event->sequence;
}

/* Until there is an error. */
static int follow(struct follower *follower)
{
    for (;;) {
        int result = feed_read(&follower->reader, each, follower);

        if (result == -ERANGE)
            lost_print(follower, follower->reader.feed.sequence);
        else if (result)
            return result;
        commit_end(follower);
        follower->told = follower->reader.feed.sequence;
        if (fflush(stdout))
            return 0; /* told at the end */
        result = inspect_wait(follower->reader.fd, follower->told + 1, -1);
        if (result && result != -EINTR)
            return result;
    }
}

/* What makes no sense together. */
static const char *usage_problem(const struct arguments *arguments)
{
    if (arguments->to)
        return arguments->since == MAPSHARE_ABI_NOW ? NULL : "--since: not with --to: the copy knows what it has";
    if (arguments->shell || arguments->once)
        return "--rsh, --once: only with --to";
    return arguments->operand_count == 1 ? NULL : "FILE: one, unless --to is given";
}

static enum exit_status print_commits(const struct arguments *arguments)
{
    struct follower follower = {.json = arguments->json, .told = arguments->since == MAPSHARE_ABI_NOW ? 0 : arguments->since};
    const char *name = arguments->operands[0];
    struct stat status;
    int fd = inspect_open(name, &status), result;

    if (fd < 0) {
        message_error(name, fd);
        return STATUS_FAILURE;
    }
    if (S_ISREG(status.st_mode))
        follower.name = name;
    feed_begin(&follower.reader, fd, MAPSHARE_ABI_COMMITS, arguments->since);
    result = follow(&follower);
    feed_end(&follower.reader);
    close(fd);
    if (result == -EPERM)
        message("%s: only root and the mount's owner may follow all files of a mount; follow a file that you may read",
                quoted(name));
    else if (result == -ENOTTY && S_ISDIR(status.st_mode))
        message("%s: neither a file on a mount of mapsharefs nor where one begins; see 'findmnt -t fuse.mapsharefs'", quoted(name));
    else if (result)
        message_error(name, result);
    return result ? STATUS_FAILURE : STATUS_OK;
}

enum exit_status command_follow(const struct arguments *arguments)
{
    const char *problem = usage_problem(arguments);

    if (problem) {
        message("follow: %s; see 'mapshare follow --help'", problem);
        return STATUS_USAGE;
    }
    return arguments->to ? follow_to(arguments) : print_commits(arguments);
}
