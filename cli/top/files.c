#include "config.h"

#include "map.h"
#include "message.h"
#include "output.h"
#include "top/files.h"
#include "top/terminal.h"

#include <ctype.h>
#include <inttypes.h>
#include <ncurses.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define COMMITS_SIZE 32
#define ESCAPE 27
#define WIDE_COLUMNS 80 /* room for the files' sizes */

static const struct {
    char key;
    enum file_order order;
} orders[] = {
    {'u', ORDER_UNCOMMITTED}, {'c', ORDER_COMMITTED}, {'f', ORDER_FAILED}, {'s', ORDER_RATE}, {'a', ORDER_AGE}, {'n', ORDER_NAME},
};

static bool view_shows(const struct view *view, const struct file_entry *entry)
{
    return strstr(entry->path, view->filter) != NULL;
}

/* The file's place among those that are shown, from 0; -1: it is not shown. */
static int view_place(const struct view *view, const struct sample *sample, const struct file_entry **entry)
{
    int place = 0;

    for (size_t i = 0; i < sample->files.count; i++) {
        *entry = &sample->files.entries[i];
        if (!view_shows(view, *entry))
            continue;
        if (!view->chosen || (*entry)->info.inode == view->chosen)
            return place;
        place++;
    }
    *entry = NULL;
    return -1;
}

/* The next one that is shown, or the one before. */
static void choose(struct view *view, const struct sample *sample, int step)
{
    const struct file_entry *entry;
    int place = view_place(view, sample, &entry), wanted = place + step, at = 0;

    for (size_t i = 0; i < sample->files.count; i++) {
        entry = &sample->files.entries[i];
        if (view_shows(view, entry) && at++ == (wanted < 0 ? 0 : wanted))
            view->chosen = entry->info.inode;
    }
}

static void type_filter(struct view *view, int key)
{
    size_t length = strlen(view->filter);

    if (key == '\n' || key == KEY_ENTER || key == ESCAPE)
        view->asks = false;
    if (key == ESCAPE)
        view->filter[0] = '\0';
    else if ((key == KEY_BACKSPACE || key == 127 || key == '\b') && length)
        view->filter[length - 1] = '\0';
    else if (key >= ' ' && key < 256 && key != 127 && length + 1 < FILTER_SIZE)
        view->filter[length] = (char)key, view->filter[length + 1] = '\0';
}

static bool order_key(struct view *view, int key)
{
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        if (key != orders[i].key)
            continue;
        view->order = orders[i].order;
        return true;
    }
    return false;
}

bool view_key(struct view *view, int key, const struct sample *sample)
{
    if (key == ERR)
        return false;
    if (view->asks) {
        type_filter(view, key);
        return true;
    }
    if (view->shows_map) {
        view->shows_map = key == KEY_RESIZE;
        return true;
    }
    switch (key) {
    case '/':
        view->asks = true;
        return true;
    case ESCAPE:
        view->filter[0] = '\0';
        return true;
    case KEY_DOWN:
    case KEY_UP:
        choose(view, sample, key == KEY_DOWN ? 1 : -1);
        return true;
    case '\n':
    case KEY_ENTER:
        view->shows_map = sample->files.count > 0;
        return true;
    default:
        return order_key(view, key);
    }
}

void footer_draw(const struct view *view)
{
    if (view->asks) {
        mvprintw(LINES - 1, 0, "only files with: %s_", view->filter);
        return;
    }
    if (view->shows_map) {
        mvaddnstr(LINES - 1, 0, "any key leads back", COLS);
        return;
    }
    mvaddnstr(LINES - 1, 0, "q leaves; sort:", COLS);
    for (size_t i = 0; i < sizeof orders / sizeof orders[0] && getcurx(stdscr) + 3 < COLS; i++) {
        addch(' ');
        addch((chtype)orders[i].key | (orders[i].order == view->order ? A_REVERSE : A_NORMAL));
    }
    addnstr("; / filters, Enter: pages", COLS - getcurx(stdscr));
}

/* ---- the table ---- */

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
    char age[OUTPUT_AGE_SIZE], size[OUTPUT_SIZE_SIZE], commits[COMMITS_SIZE] = "-";
    const char *mark, *name, *error = info->error ? strerrorname_np(info->error) : "";

    if (row >= LINES - 1)
        return row;
    if (entry->rate >= 0)
        snprintf(commits, sizeof commits, "%.1f", entry->rate);
    terminal_text(row, "%8" PRIu64 " %9" PRIu64 " %7" PRIu64 " %9s %8s ", info->received, file_entry_committed(entry), info->failed,
                  commits, file_entry_age(entry, age));
    if (COLS >= WIDE_COLUMNS)
        printw("%9s ", output_size(size, info->size));
    printw("%s%s", error, *error ? ": " : "");
    name = shortened(quoted(entry->path), COLS - getcurx(stdscr), &mark);
    if (getcury(stdscr) == row)
        printw("%s%s", mark, name);
    return row + 1;
}

void files_draw(const struct sample *sample, const struct view *view, int row)
{
    const struct file_table *table = &sample->files;
    const struct file_entry *chosen;
    int place = view_place(view, sample, &chosen), first, at = 0;

    if (sample->files_error) {
        terminal_text(row, "files    %s", sample_files_problem(sample));
        return;
    }
    attron(A_UNDERLINE);
    row = terminal_text(row, "RECEIVED COMMITTED  FAILED COMMITS/S      AGE %sFILE, %zu not in the store%s%s",
                        COLS >= WIDE_COLUMNS ? "     SIZE " : "", table->count, *view->filter ? "; with " : "", view->filter);
    attroff(A_UNDERLINE);
    first = place - (LINES - 2 - row); /* the chosen one is always in sight */
    for (size_t i = 0; i < table->count; i++) {
        const struct file_entry *entry = &table->entries[i];

        if (!view_shows(view, entry) || at++ < first)
            continue;
        attrset(view->chosen && entry == chosen ? A_REVERSE : A_NORMAL);
        row = file_draw(entry, row);
    }
    attrset(A_NORMAL);
}

/* ---- a file's pages ---- */

/* A row of cells begins with a page's number. */
static void map_line_draw(const char *line, size_t length, int row)
{
    bool cells = isdigit((unsigned char)line[strspn(line, " ")]);

    move(row, 0);
    for (size_t i = 0; i < length && getcurx(stdscr) < COLS - 1; i++) {
        short pair = cells ? terminal_pair(line[i]) : 0;

        attron(COLOR_PAIR(pair && line[i] != ' ' ? pair : 0));
        addch((unsigned char)line[i]);
        attrset(A_NORMAL);
    }
}

void map_draw(const struct sample *sample, const struct view *view, const char *mount_point)
{
    const struct file_entry *entry;
    char *path = NULL, *text = NULL;
    int result, row = 1;

    if (view_place(view, sample, &entry) < 0) {
        terminal_text(row, "all of the file is in the store");
        return;
    }
    if (!entry->info.path_bytes || asprintf(&path, "%s/%s", mount_point, entry->path) < 0) {
        terminal_text(row, "%s: its name is not known", entry->path);
        return;
    }
    result = map_text(path, &text);
    if (result)
        terminal_text(row, "%s: %s", quoted(entry->path), strerror(-result));
    for (const char *line = text, *end; line && (end = strchr(line, '\n')) && row < LINES - 1; line = end + 1)
        map_line_draw(line, (size_t)(end - line), row++);
    free(text);
    free(path);
}
