/* A mount at work. Nothing stays open on the mount between two looks, so that it can be unmounted meanwhile. */
#include "config.h"

#include "command.h"
#include "message.h"
#include "output.h"
#include "statistics.h"
#include "which_mount.h"

#include <errno.h>
#include <inttypes.h>
#include <ncurses.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define REFRESH_MILLISECONDS 1000
#define FRAMES_PREFIX "frames_"
#define BAR_MOST 60
#define RATE_SIZE 32
#define LINE_SIZE 256
#define RATE_SECONDS_LEAST 0.25 /* over less, a single commit looks like thousands */

struct sample {
    struct statistics statistics;
    struct timespec taken;
};

/* By key; the last is free. What is left of the arena is clean: kept for reads. */
static const struct {
    const char *key, *name;
    char letter;
    short colour;
} frame_states[] = {
    {"frames_received", "received", 'r', COLOR_CYAN},   {"frames_committed", "committed", 'c', COLOR_GREEN},
    {"frames_writeback", "writeback", 'w', COLOR_BLUE}, {"frames_failed", "failed", 'F', COLOR_RED},
    {"frames_free", "free", ' ', COLOR_BLACK},
};

#define FRAME_STATES (sizeof frame_states / sizeof frame_states[0])
#define JOURNAL_COLOUR (FRAME_STATES + 1)

static bool sample_take(const char *mount_point, struct sample *out)
{
    clock_gettime(CLOCK_MONOTONIC, &out->taken);
    return statistics_read_or_tell(mount_point, &out->statistics);
}

static uint64_t number(const struct sample *sample, const char *key)
{
    return statistics_number(&sample->statistics, key);
}

static double seconds_between(const struct sample *before, const struct sample *after)
{
    return (double)(after->taken.tv_sec - before->taken.tv_sec) + (double)(after->taken.tv_nsec - before->taken.tv_nsec) / 1e9;
}

/* "12.5/s", or "-" while there is nothing to compare with. */
static const char *rate(char text[RATE_SIZE], const struct sample *before, const struct sample *after, const char *key)
{
    double seconds = seconds_between(before, after);
    uint64_t from = number(before, key), to = number(after, key);

    if (seconds < RATE_SECONDS_LEAST)
        snprintf(text, RATE_SIZE, "-");
    else
        snprintf(text, RATE_SIZE, "%.1f/s", to > from ? (double)(to - from) / seconds : 0);
    return text;
}

static uint64_t frames_clean(const struct sample *sample)
{
    uint64_t clean = number(sample, "frames_total");

    for (size_t i = 0; i < FRAME_STATES; i++) {
        uint64_t count = number(sample, frame_states[i].key);

        clean -= count < clean ? count : clean;
    }
    return clean;
}

static unsigned percent(uint64_t part, uint64_t whole)
{
    return whole ? (unsigned)((double)part * 100 / (double)whole + 0.5) : 0;
}

/* One line a user. Returns whether there is an entry behind `at`. */
static bool user_line(const struct sample *sample, size_t *at, char *text, size_t max)
{
    const struct statistics *statistics = &sample->statistics;
    uint32_t user, other;
    size_t used = 0;

    while (*at < statistics->count && !statistic_user(&statistics->entries[*at], &user))
        ++*at;
    if (*at == statistics->count)
        return false;
    for (; *at < statistics->count && used < max; ++*at) {
        const char *what = statistic_user(&statistics->entries[*at], &other);

        if (!what || other != user)
            break;
        if (!used)
            used = (size_t)snprintf(text, max, "%-10" PRIu32, user);
        used += (size_t)snprintf(text + used, max - used, " %s %" PRIu64, strcmp(what, "probe_milliseconds") ? what : "probe ms",
                                 statistics->entries[*at].number);
    }
    return true;
}

static void once_print(const struct sample *sample, const char *mount_point)
{
    char used[OUTPUT_SIZE_SIZE], size[OUTPUT_SIZE_SIZE], line[LINE_SIZE];

    printf("mount    %s\n", quoted(mount_point));
    printf("daemon   version %s, keeper %" PRIu64 ", worker %" PRIu64 ", restarts %" PRIu64 "\n",
           statistics_text(&sample->statistics, "version"), number(sample, "keeper_pid"), number(sample, "worker_pid"),
           number(sample, "restarts"));
    printf("commits  %" PRIu64 ", sequence %" PRIu64 "\n", number(sample, "commits"), number(sample, "sequence"));
    printf("pages    committed %" PRIu64 ", checkpointed %" PRIu64 "\n", number(sample, "pages_committed"),
           number(sample, "pages_checkpointed"));
    printf("frames   total %" PRIu64, number(sample, "frames_total"));
    for (size_t i = 0; i < FRAME_STATES; i++)
        printf(", %s %" PRIu64, frame_states[i].name, number(sample, frame_states[i].key));
    printf(", clean %" PRIu64 "\n", frames_clean(sample));
    printf("journal  %s of %s used, %u %%\n", output_size(used, number(sample, "journal_used")),
           output_size(size, number(sample, "journal_size")),
           percent(number(sample, "journal_used"), number(sample, "journal_size")));
    for (size_t at = 0; user_line(sample, &at, line, sizeof line);)
        printf("user     %s\n", line);
}

static int bar_width(void)
{
    int width = COLS - 13;

    return width < 0 ? 0 : width > BAR_MOST ? BAR_MOST : width;
}

/* `count` of `whole` as cells of the bar, never rounded down to nothing. */
static int cells(uint64_t count, uint64_t whole, int width)
{
    int result = whole ? (int)((double)count * width / (double)whole) : 0;

    return count && !result ? 1 : result;
}

static int bar_part(int drawn, int width, int wanted, char letter, short pair)
{
    attron(COLOR_PAIR(pair));
    for (; wanted > 0 && drawn < width; wanted--, drawn++)
        addch((chtype)letter);
    attroff(COLOR_PAIR(pair));
    return drawn;
}

static void frames_draw(const struct sample *sample, int row)
{
    uint64_t total = number(sample, "frames_total");
    int width = bar_width(), drawn = 0;

    mvprintw(row, 0, "frames   [");
    for (size_t i = 0; i + 1 < FRAME_STATES; i++)
        drawn = bar_part(drawn, width, cells(number(sample, frame_states[i].key), total, width), frame_states[i].letter,
                         (short)(i + 1));
    drawn = bar_part(drawn, width, cells(frames_clean(sample), total, width), '.', 0);
    bar_part(drawn, width, width - drawn, ' ', 0);
    addch(']');
    move(row + 1, 9);
    for (size_t i = 0; i + 1 < FRAME_STATES; i++) {
        attron(COLOR_PAIR(i + 1));
        addch((chtype)frame_states[i].letter);
        attroff(COLOR_PAIR(i + 1));
        printw(" %s %" PRIu64 "  ", frame_states[i].name, number(sample, frame_states[i].key));
    }
    mvprintw(row + 2, 9, ". clean %" PRIu64 "  free %" PRIu64, frames_clean(sample), number(sample, "frames_free"));
}

static void journal_draw(const struct sample *sample, int row)
{
    uint64_t used = number(sample, "journal_used"), size = number(sample, "journal_size");
    char used_text[OUTPUT_SIZE_SIZE], size_text[OUTPUT_SIZE_SIZE];
    int width = bar_width(), drawn;

    mvprintw(row, 0, "journal  [");
    drawn = bar_part(0, width, cells(used, size, width), '#', JOURNAL_COLOUR);
    bar_part(drawn, width, width - drawn, ' ', 0);
    addch(']');
    mvprintw(row + 1, 9, "%s of %s, %u %%", output_size(used_text, used), output_size(size_text, size), percent(used, size));
}

static void users_draw(const struct sample *sample, int row)
{
    char line[LINE_SIZE];

    for (size_t at = 0; row < LINES - 1 && user_line(sample, &at, line, sizeof line); row++)
        mvprintw(row, 0, "user     %.*s", COLS > 9 ? COLS - 9 : 0, line);
}

static void screen_draw(const struct sample *before, const struct sample *after, const char *mount_point)
{
    const char *name = quoted(mount_point);
    char text[OUTPUT_TIME_SIZE] = "", rates[RATE_SIZE];
    time_t now = time(NULL);
    struct tm parts;

    if (localtime_r(&now, &parts))
        strftime(text, sizeof text, "%H:%M:%S", &parts);
    erase();
    attron(A_REVERSE);
    mvhline(0, 0, ' ', COLS);
    mvprintw(0, 0, "mapshare %s  %.*s", statistics_text(&after->statistics, "version"), COLS > 40 ? COLS - 32 : 8, name);
    if (COLS > 8)
        mvaddstr(0, COLS - 8, text);
    attroff(A_REVERSE);
    mvprintw(2, 0, "daemon   keeper %" PRIu64 ", worker %" PRIu64 ", restarts %" PRIu64, number(after, "keeper_pid"),
             number(after, "worker_pid"), number(after, "restarts"));
    mvprintw(4, 0, "commits  %12s   %" PRIu64 " in all, sequence %" PRIu64, rate(rates, before, after, "commits"),
             number(after, "commits"), number(after, "sequence"));
    mvprintw(5, 0, "pages    %12s committed   %" PRIu64 " in all", rate(rates, before, after, "pages_committed"),
             number(after, "pages_committed"));
    mvprintw(6, 0, "         %12s checkpointed   %" PRIu64 " in all", rate(rates, before, after, "pages_checkpointed"),
             number(after, "pages_checkpointed"));
    frames_draw(after, 8);
    journal_draw(after, 12);
    users_draw(after, 15);
    mvaddstr(LINES - 1, 0, "q leaves, space refreshes");
    refresh();
}

/* Until q (0), or until the mount is gone (-errno). `before` is what the rates are relative to. */
static int watch(struct sample *before, const char *mount_point)
{
    for (;;) {
        struct sample after;
        int key, result;

        clock_gettime(CLOCK_MONOTONIC, &after.taken);
        result = statistics_read(mount_point, &after.statistics);
        if (result)
            return result;
        screen_draw(before, &after, mount_point);
        key = getch();
        if (seconds_between(before, &after) >= RATE_SECONDS_LEAST) {
            statistics_free(&before->statistics);
            *before = after;
        } else {
            statistics_free(&after.statistics);
        }
        if (key == 'q' || key == 'Q')
            return 0;
    }
}

static void screen_prepare(void)
{
    cbreak();
    noecho();
    curs_set(0);
    keypad(stdscr, TRUE);
    timeout(REFRESH_MILLISECONDS);
    if (!has_colors())
        return;
    start_color();
    use_default_colors();
    for (size_t i = 0; i < FRAME_STATES; i++)
        init_pair((short)(i + 1), frame_states[i].colour == COLOR_RED ? COLOR_WHITE : COLOR_BLACK, frame_states[i].colour);
    init_pair(JOURNAL_COLOUR, COLOR_BLACK, COLOR_YELLOW);
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

    if (!sample_take(mount_point, &sample))
        return STATUS_FAILURE;
    if (arguments->json)
        statistics_print_json(&sample.statistics, mount_point);
    else if (arguments->once)
        once_print(&sample, mount_point);
    else
        status = on_terminal(&sample, mount_point);
    statistics_free(&sample.statistics);
    return status;
}

enum exit_status command_top(const struct arguments *arguments)
{
    char *mount_point = which_mount(arguments);
    enum exit_status status = mount_point ? show(arguments, mount_point) : STATUS_FAILURE;

    free(mount_point);
    return status;
}
