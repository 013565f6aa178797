/* Prints what a mount's daemon does, as it happens: commits and other events, in the order of their times. */
#include "config.h"

#include "command.h"
#include "feed.h"
#include "inspect.h"
#include "message.h"
#include "output.h"
#include "which_mount.h"

#include "journal/grow.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOOK_NANOSECONDS 200000000 /* for what is no commit: nobody wakes us */

struct line {
    uint32_t kind;
    struct timespec time;
    uint64_t figures[2];
    uint64_t sequence, files, pages; /* of a commit */
    char *path;                      /* NULL: none, or several */
};

/* What has happened since the last time. */
struct trace {
    struct line *lines;
    size_t count, room;
    bool json;
};

static const char *const names[] = {
    [MAPSHARE_ABI_COMMIT] = "commit",           [MAPSHARE_ABI_MANY] = "commit",           [MAPSHARE_ABI_DEATH] = "death",
    [MAPSHARE_ABI_TAKEOVER] = "takeover",       [MAPSHARE_ABI_CHECKPOINT] = "checkpoint", [MAPSHARE_ABI_SPILL] = "spill",
    [MAPSHARE_ABI_GROWTH] = "journal",          [MAPSHARE_ABI_ROLLBACK] = "rollback",     [MAPSHARE_ABI_BACKUP_BEGUN] = "backup",
    [MAPSHARE_ABI_BACKUP_ENDED] = "backup-end",
};

static uint64_t pages_of(const struct feed_event *event)
{
    uint64_t pages = 0;

    for (size_t i = 0; i < event->count; i++) {
        if (event->changes[i].kind == MAPSHARE_ABI_STORED || event->changes[i].kind == MAPSHARE_ABI_HOLE)
            pages += event->changes[i].last - event->changes[i].first + 1;
    }
    return pages;
}

/* The files of a commit are one line. */
static void add(void *context, const struct feed_event *event)
{
    struct trace *trace = context;
    struct line *line = trace->count ? &trace->lines[trace->count - 1] : NULL;

    if (event->kind >= sizeof names / sizeof names[0] || !names[event->kind])
        return;
    if (line && line->kind == MAPSHARE_ABI_COMMIT && event->kind == line->kind && line->sequence == event->sequence) {
        line->files++;
        line->pages += pages_of(event);
        free(line->path);
        line->path = NULL;
        return;
    }
    if (!grow(&trace->lines, &trace->room, trace->count + 1, sizeof trace->lines[0]))
        return;
    trace->lines[trace->count++] = (struct line){
        .kind = event->kind,
        .time = event->time,
        .figures = {event->figures[0], event->figures[1]},
        .sequence = event->sequence,
        .files = 1,
        .pages = pages_of(event),
        .path = event->path[0] ? strdup(event->path) : NULL,
    };
}

static int by_time(const void *a, const void *b)
{
    const struct line *x = a, *y = b;

    if (x->time.tv_sec != y->time.tv_sec)
        return x->time.tv_sec < y->time.tv_sec ? -1 : 1;
    if (x->time.tv_nsec != y->time.tv_nsec)
        return x->time.tv_nsec < y->time.tv_nsec ? -1 : 1;
    return (x->sequence > y->sequence) - (x->sequence < y->sequence);
}

static void death_describe(char *text, size_t size, int status)
{
    if (WIFSIGNALED(status))
        snprintf(text, size, "the worker was ended by signal %d (%s)", WTERMSIG(status),
                 sigdescr_np(WTERMSIG(status)) ?: "unknown");
    else
        snprintf(text, size, "the worker exited with %d", WEXITSTATUS(status));
}

static void describe(char *text, size_t size, const struct line *line)
{
    char bytes[OUTPUT_SIZE_SIZE];

    switch (line->kind) {
    case MAPSHARE_ABI_COMMIT:
        if (line->files > 1)
            snprintf(text, size, "%" PRIu64 ": %" PRIu64 " files, %" PRIu64 " pages", line->sequence, line->files, line->pages);
        else
            snprintf(text, size, "%" PRIu64 ": %s, %" PRIu64 " pages", line->sequence, line->path ? quoted(line->path) : "a file",
                     line->pages);
        break;
    case MAPSHARE_ABI_MANY:
        snprintf(text, size, "%" PRIu64 ": very many files", line->sequence);
        break;
    case MAPSHARE_ABI_DEATH:
        death_describe(text, size, (int)line->figures[0]);
        break;
    case MAPSHARE_ABI_TAKEOVER:
        snprintf(text, size, "worker %" PRIu64 " serves, after %" PRIu64 " deaths", line->figures[0], line->figures[1]);
        break;
    case MAPSHARE_ABI_CHECKPOINT:
        snprintf(text, size, "%" PRIu64 " pages in %.1f ms", line->figures[0], (double)line->figures[1] / 1e6);
        break;
    case MAPSHARE_ABI_SPILL:
    case MAPSHARE_ABI_GROWTH:
        snprintf(text, size, "has %s now", output_size(bytes, line->figures[0]));
        break;
    case MAPSHARE_ABI_ROLLBACK:
        snprintf(text, size, "%s", line->path ? quoted(line->path) : "a file");
        break;
    default:
        text[0] = '\0';
    }
}

static void figure_add(struct json_object *object, const char *name, uint64_t figure)
{
    json_object_object_add(object, name, json_object_new_uint64(figure));
}

static void line_print_json(const struct line *line)
{
    struct json_object *object = json_object_new_object();

    json_object_object_add(object, "time", json_time(line->time));
    json_object_object_add(object, "event", json_object_new_string(names[line->kind]));
    if (line->kind == MAPSHARE_ABI_COMMIT || line->kind == MAPSHARE_ABI_MANY)
        figure_add(object, "sequence", line->sequence);
    switch (line->kind) {
    case MAPSHARE_ABI_COMMIT:
        figure_add(object, "files", line->files);
        figure_add(object, "pages", line->pages);
        break;
    case MAPSHARE_ABI_DEATH:
        figure_add(object, WIFSIGNALED((int)line->figures[0]) ? "signal" : "exit",
                   WIFSIGNALED((int)line->figures[0]) ? (uint64_t)WTERMSIG((int)line->figures[0])
                                                      : (uint64_t)WEXITSTATUS((int)line->figures[0]));
        break;
    case MAPSHARE_ABI_TAKEOVER:
        figure_add(object, "worker", line->figures[0]);
        figure_add(object, "deaths", line->figures[1]);
        break;
    case MAPSHARE_ABI_CHECKPOINT:
        figure_add(object, "pages", line->figures[0]);
        figure_add(object, "nanoseconds", line->figures[1]);
        break;
    case MAPSHARE_ABI_SPILL:
    case MAPSHARE_ABI_GROWTH:
        figure_add(object, "bytes", line->figures[0]);
        break;
    }
    if (line->path)
        json_object_object_add(object, "path", json_name(line->path));
    json_print_line(object);
}

static void line_print(const struct line *line)
{
    char when[OUTPUT_TIME_SIZE], text[8192];

    describe(text, sizeof text, line);
    printf("%s  %s%s%s\n", output_time(when, line->time), names[line->kind], *text ? " " : "", text);
}

static void trace_print(struct trace *trace)
{
    if (trace->count)
        qsort(trace->lines, trace->count, sizeof trace->lines[0], by_time);
    for (size_t i = 0; i < trace->count; i++) {
        trace->json ? line_print_json(&trace->lines[i]) : line_print(&trace->lines[i]);
        free(trace->lines[i].path);
    }
    trace->count = 0;
}

/* What was lost is not waited for: it is told, and the rest follows. */
static int trace_read(struct trace *trace, struct feed_reader *reader)
{
    int result = feed_read(reader, add, trace);

    if (result != -ERANGE)
        return result;
    puts(trace->json ? "{\"event\":\"lost\"}" : "lost: more happened than could be read");
    return 0;
}

static int trace_run(struct trace *trace, int fd)
{
    struct feed_reader commits, happenings;
    int result;

    feed_begin(&commits, fd, MAPSHARE_ABI_COMMITS, MAPSHARE_ABI_NOW);
    feed_begin(&happenings, fd, MAPSHARE_ABI_HAPPENINGS, MAPSHARE_ABI_NOW);
    do {
        result = trace_read(trace, &happenings);
        if (!result)
            result = trace_read(trace, &commits);
        trace_print(trace);
        if (fflush(stdout))
            break;
        if (!result)
            result = inspect_wait(fd, commits.feed.sequence + 1, LOOK_NANOSECONDS);
        if (result == -ETIMEDOUT || result == -EINTR)
            result = 0;
    } while (!result);
    feed_end(&commits);
    feed_end(&happenings);
    return result;
}

enum exit_status command_trace(const struct arguments *arguments)
{
    struct trace trace = {.json = arguments->json};
    char *name = which_mount(arguments);
    struct stat status;
    int fd = name ? inspect_open(name, &status) : -1, result = fd < 0 ? fd : 0;

    if (!name)
        return STATUS_FAILURE;
    if (!result)
        result = S_ISDIR(status.st_mode) ? trace_run(&trace, fd) : -ENOTTY;
    if (fd >= 0)
        close(fd);
    free(trace.lines);
    if (result == -EPERM)
        message("%s: only root and the mount's owner may see what the daemon does; ask one of them", quoted(name));
    else if (result == -ENOTTY)
        message("%s: no mount of mapsharefs begins here; see 'findmnt -t fuse.mapsharefs'", quoted(name));
    else if (result)
        message_error(name, result);
    free(name);
    return result ? STATUS_FAILURE : STATUS_OK;
}
