/* top's picture. It fits any terminal: where there are few lines, nothing is left empty between its parts. */
#include "config.h"

#include "message.h"
#include "output.h"
#include "top.h"

#include <inttypes.h>
#include <ncurses.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define REFRESH_MILLISECONDS 1000
#define BAR_MOST 60
#define RATE_SIZE 32
#define JOURNAL_COLOUR (FRAME_STATES + 1)
#define ROOMY_LINES 24
#define INDENT 9
#define WIDE_COLUMNS 80 /* room for the files' sizes */

static const struct {
    char key;
    enum file_order order;
} orders[] = {
    {'u', ORDER_UNCOMMITTED}, {'c', ORDER_COMMITTED}, {'f', ORDER_FAILED}, {'s', ORDER_RATE}, {'a', ORDER_AGE}, {'n', ORDER_NAME},
};

bool screen_order(int key, enum file_order *order)
{
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        if (key != orders[i].key)
            continue;
        *order = orders[i].order;
        return true;
    }
    return false;
}

/* The last line is the footer's. Returns the next row. */
static int __attribute__((format(printf, 2, 3))) text_draw(int row, const char *format, ...)
{
    char text[1024];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (row < LINES - 1)
        mvaddnstr(row, 0, text, COLS);
    return row + 1;
}

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

static int journal_draw(const struct sample *sample, int row)
{
    uint64_t used = sample_number(sample, "journal_used"), size = sample_number(sample, "journal_size");
    char used_text[OUTPUT_SIZE_SIZE], size_text[OUTPUT_SIZE_SIZE];
    int width = bar_width(), drawn;

    if (row >= LINES - 1)
        return row;
    mvaddnstr(row, 0, "journal  [", COLS);
    drawn = bar_part(0, width, cells(used, size, width), '#', JOURNAL_COLOUR);
    bar_part(drawn, width, width - drawn, ' ', 0);
    addch(']');
    return text_draw(row + 1, "%*s%s of %s, %u %%", INDENT, "", output_size(used_text, used), output_size(size_text, size),
                     sample_percent(used, size));
}

/* ---- users and files ---- */

/* Most of the room is the files'. */
static int users_draw(const struct sample *sample, int row)
{
    char line[SAMPLE_LINE_SIZE];
    int most = (LINES - 1 - row) / 3;

    for (size_t at = 0; most > 0 && sample_user_line(sample, &at, line); most--)
        row = text_draw(row, "user     %s", line);
    return row;
}

/* The end of a long name tells more than its beginning. */
static const char *shortened(const char *name, int columns, const char **mark)
{
    mbstate_t state = {0};
    wchar_t wide;
    size_t length;
    int width = 0;

    for (const char *at = name; (length = mbrtowc(&wide, at, MB_CUR_MAX, &state)) && length <= MB_CUR_MAX; at += length)
        width += wcwidth(wide) > 0 ? wcwidth(wide) : 0;
    *mark = width > columns ? ".." : "";
    memset(&state, 0, sizeof state);
    while (width > columns - (int)strlen(*mark) && (length = mbrtowc(&wide, name, MB_CUR_MAX, &state)) && length <= MB_CUR_MAX) {
        width -= wcwidth(wide) > 0 ? wcwidth(wide) : 0;
        name += length;
    }
    return name;
}

static int file_draw(const struct file_entry *entry, int row)
{
    const struct mapshare_abi_file *info = &entry->info;
    char age[OUTPUT_AGE_SIZE], size[OUTPUT_SIZE_SIZE], commits[RATE_SIZE] = "-";
    const char *mark, *name, *error = info->error ? strerrorname_np(info->error) : "";

    if (row >= LINES - 1)
        return row;
    if (entry->rate >= 0)
        snprintf(commits, sizeof commits, "%.1f", entry->rate);
    text_draw(row, "%8" PRIu64 " %9" PRIu64 " %7" PRIu64 " %9s %8s ", info->received, file_entry_committed(entry), info->failed,
              commits, file_entry_age(entry, age));
    if (COLS >= WIDE_COLUMNS)
        printw("%9s ", output_size(size, info->size));
    printw("%s%s", error, *error ? ": " : "");
    name = shortened(quoted(entry->path), COLS - getcurx(stdscr), &mark);
    if (getcury(stdscr) == row)
        printw("%s%s", mark, name);
    return row + 1;
}

static void files_draw(const struct sample *sample, int row)
{
    const struct file_table *table = &sample->files;

    if (sample->files_error) {
        text_draw(row, "files    %s", sample_files_problem(sample));
        return;
    }
    attron(A_UNDERLINE);
    row = text_draw(row, "RECEIVED COMMITTED  FAILED COMMITS/S      AGE %sFILE, %zu not in the store",
                    COLS >= WIDE_COLUMNS ? "     SIZE " : "", table->count);
    attroff(A_UNDERLINE);
    for (size_t i = 0; i < table->count; i++)
        row = file_draw(&table->entries[i], row);
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

static void footer_draw(enum file_order order)
{
    mvaddnstr(LINES - 1, 0, "q leaves, space refreshes; sort:", COLS);
    for (size_t i = 0; i < sizeof orders / sizeof orders[0] && getcurx(stdscr) + 3 < COLS; i++) {
        addch(' ');
        addch((chtype)orders[i].key | (orders[i].order == order ? A_REVERSE : A_NORMAL));
    }
}

void screen_draw(const struct sample *before, const struct sample *after, const char *mount_point, enum file_order order)
{
    int gap = LINES >= ROOMY_LINES, row = 1 + gap, users;
    char rates[RATE_SIZE];

    erase();
    title_draw(after, mount_point);
    row = text_draw(row, "daemon   keeper %" PRIu64 ", worker %" PRIu64 ", restarts %" PRIu64, sample_number(after, "keeper_pid"),
                    sample_number(after, "worker_pid"), sample_number(after, "restarts"));
    row = text_draw(row + gap, "commits  %12s   %" PRIu64 " in all, sequence %" PRIu64, rate(rates, before, after, "commits"),
                    sample_number(after, "commits"), sample_number(after, "sequence"));
    row = text_draw(row, "pages    %12s committed   %" PRIu64 " in all", rate(rates, before, after, "pages_committed"),
                    sample_number(after, "pages_committed"));
    row = text_draw(row, "         %12s checkpointed   %" PRIu64 " in all", rate(rates, before, after, "pages_checkpointed"),
                    sample_number(after, "pages_checkpointed"));
    row = frames_draw(after, row + gap);
    row = journal_draw(after, row + gap);
    users = row + gap;
    row = users_draw(after, users);
    files_draw(after, row > users ? row + gap : row);
    footer_draw(order);
    refresh();
}

void screen_prepare(void)
{
    const char *no_colour = getenv("NO_COLOR");

    cbreak();
    noecho();
    curs_set(0);
    keypad(stdscr, TRUE);
    scrollok(stdscr, FALSE);
    timeout(REFRESH_MILLISECONDS);
    if (!has_colors() || (no_colour && *no_colour))
        return;
    start_color();
    use_default_colors();
    for (size_t i = 0; i < FRAME_STATES; i++)
        init_pair((short)(i + 1), frame_states[i].colour == COLOR_RED ? COLOR_WHITE : COLOR_BLACK, frame_states[i].colour);
    init_pair(JOURNAL_COLOUR, COLOR_BLACK, COLOR_YELLOW);
}
