/* A mount at work. Nothing stays open on the mount between two looks, so that it can be unmounted meanwhile. */
#include "config.h"

#include "command.h"
#include "inspect.h"
#include "latencies.h"
#include "message.h"
#include "output.h"
#include "top.h"
#include "which_mount.h"

#include <errno.h>
#include <inttypes.h>
#include <ncurses.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

const struct frame_state frame_states[FRAME_STATES] = {
    {"frames_received", "received", 'r', COLOR_CYAN},   {"frames_committed", "committed", 'c', COLOR_GREEN},
    {"frames_writeback", "writeback", 'w', COLOR_BLUE}, {"frames_failed", "failed", 'F', COLOR_RED},
    {"frames_free", "free", ' ', COLOR_BLACK},
};

uint64_t sample_number(const struct sample *sample, const char *key)
{
    return statistics_number(&sample->statistics, key);
}

double sample_seconds(const struct sample *before, const struct sample *after)
{
    return (double)(after->taken.tv_sec - before->taken.tv_sec) + (double)(after->taken.tv_nsec - before->taken.tv_nsec) / 1e9;
}

uint64_t sample_frames_clean(const struct sample *sample)
{
    uint64_t clean = sample_number(sample, "frames_total");

    for (size_t i = 0; i < FRAME_STATES; i++) {
        uint64_t count = sample_number(sample, frame_states[i].key);

        clean -= count < clean ? count : clean;
    }
    return clean;
}

unsigned sample_percent(uint64_t part, uint64_t whole)
{
    return whole ? (unsigned)((double)part * 100 / (double)whole + 0.5) : 0;
}

bool sample_user_line(const struct sample *sample, size_t *at, char text[SAMPLE_LINE_SIZE], bool *over)
{
    const struct statistics *statistics = &sample->statistics;
    uint32_t user, other;
    uint64_t share = sample_number(sample, "share");
    size_t used = 0;

    *over = false;
    while (*at < statistics->count && !statistic_user(&statistics->entries[*at], &user))
        ++*at;
    if (*at == statistics->count)
        return false;
    for (; *at < statistics->count && used < SAMPLE_LINE_SIZE; ++*at) {
        const char *what = statistic_user(&statistics->entries[*at], &other);

        if (!what || other != user)
            break;
        if (!used)
            used = (size_t)snprintf(text, SAMPLE_LINE_SIZE, "%-10" PRIu32, user);
        used += (size_t)snprintf(text + used, SAMPLE_LINE_SIZE - used, " %s %" PRIu64,
                                 strcmp(what, "probe_milliseconds") ? what : "probe ms", statistics->entries[*at].number);
        *over |= !strcmp(what, "memory") && share && statistics->entries[*at].number >= share;
    }
    return true;
}

const char *sample_files_problem(const struct sample *sample)
{
    return sample->files_error == -EPERM ? "only root and the mount's owner may ask" : strerror(-sample->files_error);
}

/* 0 or -errno: of the figures; that there are no files is told in the sample. */
static int sample_take(const char *mount_point, struct sample *out)
{
    int result;

    *out = (struct sample){0};
    clock_gettime(CLOCK_MONOTONIC, &out->taken);
    result = statistics_read(mount_point, &out->statistics);
    if (!result && inspect_latency(mount_point, &out->latencies))
        memset(&out->latencies, 0, sizeof out->latencies);
    if (!result)
        out->files_error = file_table_read(mount_point, &out->files);
    return result;
}

static void sample_free(struct sample *sample)
{
    statistics_free(&sample->statistics);
    file_table_free(&sample->files);
}

static void once_print_json(const struct sample *sample, const char *mount_point)
{
    struct json_object *object = statistics_json(&sample->statistics, mount_point);

    json_object_object_add(object, "not_in_store", sample->files_error ? NULL : file_table_json(&sample->files));
    json_object_object_add(object, "latency", latencies_json(&sample->latencies));
    json_print(object);
}

static void once_print(const struct sample *sample, const char *mount_point)
{
    char used[OUTPUT_SIZE_SIZE], size[OUTPUT_SIZE_SIZE], line[SAMPLE_LINE_SIZE];
    size_t at = 0;
    bool over;

    printf("mount    %s\n", quoted(mount_point));
    printf("daemon   version %s, keeper %" PRIu64 ", worker %" PRIu64 ", restarts %" PRIu64 "\n",
           statistics_text(&sample->statistics, "version"), sample_number(sample, "keeper_pid"),
           sample_number(sample, "worker_pid"), sample_number(sample, "restarts"));
    printf("commits  %" PRIu64 ", sequence %" PRIu64 "\n", sample_number(sample, "commits"), sample_number(sample, "sequence"));
    printf("pages    committed %" PRIu64 ", checkpointed %" PRIu64 "\n", sample_number(sample, "pages_committed"),
           sample_number(sample, "pages_checkpointed"));
    printf("frames   total %" PRIu64, sample_number(sample, "frames_total"));
    for (size_t i = 0; i < FRAME_STATES; i++)
        printf(", %s %" PRIu64, frame_states[i].name, sample_number(sample, frame_states[i].key));
    printf(", clean %" PRIu64 "\n", sample_frames_clean(sample));
    printf("journal  %s of %s used, %u %%\n", output_size(used, sample_number(sample, "journal_used")),
           output_size(size, sample_number(sample, "journal_size")),
           sample_percent(sample_number(sample, "journal_used"), sample_number(sample, "journal_size")));
    latencies_print(&sample->latencies, 9);
    while (sample_user_line(sample, &at, line, &over))
        printf("user     %s%s\n", line, over ? ", over the share" : "");
    if (sample->files_error)
        printf("files    %s\n", sample_files_problem(sample));
    file_table_print(&sample->files);
}

/* Until q (0), or until the mount is gone (-errno). `before` is what the rates are relative to. */
static int watch(struct sample *before, const char *mount_point)
{
    struct view view = {.order = ORDER_UNCOMMITTED};
    struct history history = {0};

    for (;;) {
        struct sample after;
        int key, result = sample_take(mount_point, &after);
        bool is_later = !result && sample_seconds(before, &after) >= RATE_SECONDS_LEAST;

        if (result)
            return result;
        if (is_later) {
            file_table_rates(&after.files, &before->files, sample_seconds(before, &after));
            history_add(&history, before, &after);
        }
        do {
            file_table_sort(&after.files, view.order);
            screen_draw(before, &after, &history, mount_point, &view);
            key = getch();
        } while (view_key(&view, key, &after));
        sample_free(is_later ? before : &after);
        if (is_later)
            *before = after;
        if (key == 'q' || key == 'Q')
            return 0;
    }
}

static enum exit_status on_terminal(struct sample *first, const char *mount_point)
{
    SCREEN *screen;
    int error;

    if (!isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO)) {
        message("top: standard input and output are no terminal; use --once or --json");
        return STATUS_FAILURE;
    }
    screen = newterm(NULL, stdout, stdin);
    if (!screen) {
        message("TERM=%s: the terminal is not known to ncurses; set TERM, or use --once", getenv("TERM") ? getenv("TERM") : "");
        return STATUS_FAILURE;
    }
    screen_prepare();
    error = watch(first, mount_point);
    endwin();
    delscreen(screen);
    if (error == -ENOTTY)
        message("%s: no longer mounted", quoted(mount_point));
    else if (error)
        message_error(mount_point, error);
    return error ? STATUS_FAILURE : STATUS_OK;
}

static enum exit_status show(const struct arguments *arguments, const char *mount_point)
{
    enum exit_status status = STATUS_OK;
    struct sample sample;
    int result = sample_take(mount_point, &sample);

    if (result) {
        statistics_tell(mount_point, result);
        return STATUS_FAILURE;
    }
    file_table_sort(&sample.files, ORDER_UNCOMMITTED);
    if (arguments->json)
        once_print_json(&sample, mount_point);
    else if (arguments->once)
        once_print(&sample, mount_point);
    else
        status = on_terminal(&sample, mount_point);
    sample_free(&sample);
    return status;
}

enum exit_status command_top(const struct arguments *arguments)
{
    char *mount_point = which_mount(arguments);
    enum exit_status status = mount_point ? show(arguments, mount_point) : STATUS_FAILURE;

    free(mount_point);
    return status;
}
