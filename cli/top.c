/* A mount at work. Nothing stays open on the mount between two looks, so that it can be unmounted meanwhile. */
#include "config.h"

#include "command.h"
#include "latencies.h"
#include "message.h"
#include "output.h"
#include "top/files.h"
#include "top/history.h"
#include "top/sample.h"
#include "top/screen.h"
#include "top/terminal.h"
#include "which_mount.h"

#include <errno.h>
#include <inttypes.h>
#include <ncurses.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

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
    terminal_prepare();
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
