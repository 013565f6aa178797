/* top's picture. It fits any terminal: where there are few lines, nothing is left empty between its parts. */
#include "config.h"

#include "message.h"
#include "output.h"
#include "top/screen.h"
#include "top/terminal.h"

#include <inttypes.h>
#include <ncurses.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BAR_MOST 60
#define RATE_SIZE 32
#define ROOMY_LINES 30
#define INDENT 9
#define TALL_LINES 20

/* "12.5/s", or "-" while there is nothing to compare with. */
static const char *rate(char text[RATE_SIZE], const struct sample *before, const struct sample *after, const char *key)
{
    double seconds = sample_seconds(before, after);
    uint64_t from = sample_number(before, key), to = sample_number(after, key);

    if (seconds < RATE_SECONDS_LEAST)
        snprintf(text, RATE_SIZE, "-");
    else
        snprintf(text, RATE_SIZE, "%.1f/s", to > from ? (double)(to - from) / seconds : 0);
    return text;
}

/* ---- bars ---- */

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

/* Behind the others, or on a line of its own. Returns its row. */
static int state_draw(int row, char letter, short pair, const char *name, uint64_t count)
{
    char text[64];
    int length = snprintf(text, sizeof text, " %s %" PRIu64 "  ", name, count);

    if (getcurx(stdscr) + 1 + length > COLS && row + 1 < LINES - 1)
        move(++row, INDENT);
    bar_part(0, 1, 1, letter, pair);
    addnstr(text, COLS - getcurx(stdscr));
    return row;
}

static int frames_draw(const struct sample *sample, int row)
{
    uint64_t total = sample_number(sample, "frames_total");
    int width = bar_width(), drawn = 0;

    if (row + 1 >= LINES - 1)
        return row;
    mvaddnstr(row, 0, "frames   [", COLS);
    for (size_t i = 0; i + 1 < FRAME_STATES; i++)
        drawn = bar_part(drawn, width, cells(sample_number(sample, frame_states[i].key), total, width), frame_states[i].letter,
                         (short)(i + 1));
    drawn = bar_part(drawn, width, cells(sample_frames_clean(sample), total, width), '.', 0);
    bar_part(drawn, width, width - drawn, ' ', 0);
    addch(']');
    move(++row, INDENT);
    for (size_t i = 0; i + 1 < FRAME_STATES; i++)
        row = state_draw(row, frame_states[i].letter, (short)(i + 1), frame_states[i].name,
                         sample_number(sample, frame_states[i].key));
    row = state_draw(row, '.', 0, "clean", sample_frames_clean(sample));
    return state_draw(row, ' ', 0, "free", sample_number(sample, "frames_free")) + 1;
}

/* The file that it is: what is used begins at the tail, and may go on at the beginning. */
static int journal_draw(const struct sample *sample, int row)
{
    uint64_t used = sample_number(sample, "journal_used"), size = sample_number(sample, "journal_size");
    uint64_t at = sample_number(sample, "journal_tail");
    char used_text[OUTPUT_SIZE_SIZE], size_text[OUTPUT_SIZE_SIZE];
    int width = bar_width(), tail = at < size ? (int)((double)at * width / (double)size) : 0;

    if (row >= LINES - 1)
        return row;
    mvaddnstr(row, 0, "journal  [", COLS);
    for (int i = 0; i < width; i++) {
        int behind = (i - tail + width) % width;
        bool full = behind < cells(used, size, width);

        bar_part(0, 1, 1, behind == 0 ? 'T' : full ? '#' : ' ', full ? JOURNAL_COLOUR : 0);
    }
    addch(']');
    return terminal_text(row + 1, "%*s%s of %s, %u %%", INDENT, "", output_size(used_text, used), output_size(size_text, size),
                         sample_percent(used, size));
}

/* ---- users ---- */

/* Most of the room is the files'. */
static int users_draw(const struct sample *sample, int row)
{
    char line[SAMPLE_LINE_SIZE];
    int most = (LINES - 1 - row) / 3;
    size_t at = 0;
    bool over;

    for (; most > 0 && sample_user_line(sample, &at, line, &over); most--) {
        attrset(over ? A_BOLD : A_NORMAL);
        row = terminal_text(row, "%s  %s", over ? "OVER ITS SHARE:" : "user   ", line);
    }
    attrset(A_NORMAL);
    return row;
}

/* ---- all of it ---- */

static void title_draw(const struct sample *sample, const char *mount_point)
{
    char text[OUTPUT_TIME_SIZE] = "";
    time_t now = time(NULL);
    struct tm parts;

    if (localtime_r(&now, &parts))
        strftime(text, sizeof text, "%H:%M:%S", &parts);
    attron(A_REVERSE);
    mvhline(0, 0, ' ', COLS);
    mvprintw(0, 0, "mapshare %s  %.*s", statistics_text(&sample->statistics, "version"), COLS > 40 ? COLS - 32 : 8,
             quoted(mount_point));
    if (COLS > 8)
        mvaddstr(0, COLS - 8, text);
    attroff(A_REVERSE);
}

/* ---- the last second, and those before it ---- */

static unsigned fill(const struct sample *sample, const char *used, const char *most)
{
    return sample_percent(sample_number(sample, used), sample_number(sample, most));
}

/* What there is at the right end of a row's text. */
static int with_history(int row, const struct history *history, enum series series)
{
    if (row - 1 < LINES - 1)
        history_draw(history, series, row - 1, getcurx(stdscr) + 2);
    return row;
}

static int commits_draw(const struct sample *before, const struct sample *after, const struct history *history, int row)
{
    char rates[RATE_SIZE], p50[OUTPUT_DURATION_SIZE], p99[OUTPUT_DURATION_SIZE], most[OUTPUT_DURATION_SIZE];

    row = terminal_text(row, "commits  %12s   %" PRIu64 " in all, sequence %" PRIu64, rate(rates, before, after, "commits"),
                        sample_number(after, "commits"), sample_number(after, "sequence"));
    row = with_history(row, history, SERIES_COMMITS);
    row = terminal_text(row, "pages    %12s committed, %.1f MiB/s", rate(rates, before, after, "pages_committed"),
                        history_last(history, SERIES_BYTES) / (1 << 20));
    row = with_history(row, history, SERIES_BYTES);
    if (LINES >= TALL_LINES)
        row = terminal_text(row, "         %12s checkpointed   %" PRIu64 " in all",
                            rate(rates, before, after, "pages_checkpointed"), sample_number(after, "pages_checkpointed"));
    output_duration(p50, (uint64_t)history_last(history, SERIES_P50));
    output_duration(p99, (uint64_t)history_last(history, SERIES_P99));
    output_duration(most, after->latencies.of[MAPSHARE_ABI_LATENCY_COMMIT].most);
    if (LINES < TALL_LINES) {
        row = terminal_text(row, "latency  p50 %s, p99 %s", p50, p99);
        return with_history(row, history, SERIES_P99);
    }
    row = with_history(terminal_text(row, "latency  p50 %s", p50), history, SERIES_P50);
    return with_history(terminal_text(row, "         p99 %s, max %s", p99, most), history, SERIES_P99);
}

static int daemon_draw(const struct sample *sample, int row)
{
    row =
        terminal_text(row, "daemon   keeper %" PRIu64 ", worker %" PRIu64 ", restarts %" PRIu64,
                      sample_number(sample, "keeper_pid"), sample_number(sample, "worker_pid"), sample_number(sample, "restarts"));
    if (LINES >= TALL_LINES)
        row = terminal_text(row, "arena    inodes %u %%, files %u %%, open %u %%, spilled %" PRIu64,
                            fill(sample, "inodes", "inodes_max"), fill(sample, "files", "files_max"),
                            fill(sample, "handles", "handles_max"), sample_number(sample, "frames_spilled_max"));
    return row;
}

void screen_draw(const struct sample *before, const struct sample *after, const struct history *history, const char *mount_point,
                 const struct view *view)
{
    int gap = LINES >= ROOMY_LINES, row = 1 + gap, users;

    erase();
    title_draw(after, mount_point);
    if (view->shows_map) {
        map_draw(after, view, mount_point);
    } else {
        row = commits_draw(before, after, history, daemon_draw(after, row) + gap);
        row = frames_draw(after, row + gap);
        row = journal_draw(after, row + gap);
        users = row + gap;
        row = users_draw(after, users);
        files_draw(after, view, row > users ? row + gap : row);
    }
    footer_draw(view);
    refresh();
}
