#include "config.h"

#include "command.h"
#include "inspect.h"
#include "map.h"
#include "message.h"
#include "output.h"
#include "picture.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define ROWS_WITHOUT_TERMINAL 32
#define COLUMNS_WITHOUT_TERMINAL 100
#define WIDTH_WITHOUT_TERMINAL 64
#define FOLLOW_NANOSECONDS 250000000
#define LINES_AROUND 6 /* title, legend, prompt */

/* By state; `rank` says which of a block's states is shown. */
static const struct look {
    char letter;
    int rank;
    const char *colour;
} looks[MAPSHARE_RUN_STATES] = {
    [0] = {'.', 0, "2"},
    [MAPSHARE_ABI_COMMITTED] = {'c', 1, "30;42"},
    [MAPSHARE_ABI_WRITEBACK] = {'w', 2, "97;44"},
    [MAPSHARE_ABI_RECEIVED] = {'r', 3, "30;46"},
    [MAPSHARE_ABI_KERNEL] = {'k', 4, "30;43"},
    [MAPSHARE_ABI_FAILED] = {'F', 5, "97;41"},
};

static unsigned digits(uint64_t number)
{
    unsigned count = 1;

    while (number /= 10)
        count++;
    return count;
}

/* `terminal`: it is to fit there. */
static void layout(struct picture *picture, unsigned width, bool terminal)
{
    unsigned rows = ROWS_WITHOUT_TERMINAL;
    unsigned columns = COLUMNS_WITHOUT_TERMINAL;
    struct winsize window;
    bool on_terminal =
        terminal && isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col && window.ws_row;

    if (on_terminal) {
        columns = window.ws_col;
        rows = window.ws_row > LINES_AROUND + 4 ? window.ws_row - LINES_AROUND : 4;
    }
    if (!width && !on_terminal)
        width = WIDTH_WITHOUT_TERMINAL;
    if (!width) {
        width = columns > digits(picture->pages) + 2 + 8 ? columns - digits(picture->pages) - 2 : 8;
        if (width > 16)
            width -= width % 16;
    }
    picture->width = width;
    picture->columns = columns;
    picture->pages_per_cell = 1;
    while ((picture->pages + picture->pages_per_cell - 1) / picture->pages_per_cell > (uint64_t)width * rows)
        picture->pages_per_cell *= 2;
    picture->cell_count = (picture->pages + picture->pages_per_cell - 1) / picture->pages_per_cell;
}

static void runs_draw(struct picture *picture, const struct mapshare_runs *runs)
{
    for (size_t i = 0; i < runs->count; i++) {
        const struct mapshare_abi_run *run = &runs->list[i];
        uint64_t last = run->last < picture->pages ? run->last : picture->pages - 1; /* the file may have grown meanwhile */

        if (run->first >= picture->pages)
            break;
        picture->counts[run->state] += last - run->first + 1;
        for (uint64_t cell = run->first / picture->pages_per_cell; cell <= last / picture->pages_per_cell; cell++)
            if (looks[run->state].rank > looks[picture->cells[cell]].rank)
                picture->cells[cell] = (uint8_t)run->state;
    }
    picture->kernel_known = runs->kernel_known;
    picture->counts[0] = picture->pages;
    for (uint32_t state = 1; state < MAPSHARE_RUN_STATES; state++)
        picture->counts[0] -= picture->counts[state];
}

static void cells_print(FILE *out, const struct picture *picture, uint64_t first, uint64_t count)
{
    int shown = -1;

    for (uint64_t i = first; i < first + count; i++) {
        uint8_t state = picture->cells[i];

        if (picture->colour && state != shown)
            fprintf(out, "\033[0;%sm", looks[state].colour);
        fputc(looks[state].letter, out);
        shown = state;
    }
    if (picture->colour)
        fputs("\033[0m", out);
}

static void legend_print(FILE *out, const struct picture *picture)
{
    unsigned column = 0;

    for (uint32_t state = 0; state < MAPSHARE_RUN_STATES; state++) {
        char count[32] = "unknown";
        unsigned needed;

        if (state != MAPSHARE_ABI_KERNEL || picture->kernel_known)
            snprintf(count, sizeof count, "%" PRIu64, picture->counts[state]);
        needed = (unsigned)(strlen(inspect_state_name(state)) + strlen(count)) + 3;
        if (column && column + needed + 3 > picture->columns) {
            fputc('\n', out);
            column = 0;
        }
        column += (unsigned)fprintf(out, "%s", column ? "   " : "") + needed;
        if (picture->colour)
            fprintf(out, "\033[0;%sm%c\033[0m", looks[state].colour, looks[state].letter);
        else
            fputc(looks[state].letter, out);
        fprintf(out, " %s %s", inspect_state_name(state), count);
    }
    fputc('\n', out);
}

static void picture_print(FILE *out, const struct picture *picture)
{
    char text[OUTPUT_SIZE_SIZE];

    fprintf(out, "%s: %s, %" PRIu64 " page%s", quoted(picture->name), output_size(text, picture->size), picture->pages,
            picture->pages == 1 ? "" : "s");
    if (picture->pages_per_cell > 1)
        fprintf(out, ", %" PRIu64 " pages (%s) a cell", picture->pages_per_cell,
                output_size(text, picture->pages_per_cell * MAPSHARE_PAGE_SIZE));
    fputc('\n', out);
    for (uint64_t cell = 0; cell < picture->cell_count; cell += picture->width) {
        uint64_t left = picture->cell_count - cell;

        fprintf(out, "%*" PRIu64 "  ", (int)digits(picture->pages), cell * picture->pages_per_cell);
        cells_print(out, picture, cell, left < picture->width ? left : picture->width);
        fputc('\n', out);
    }
    legend_print(out, picture);
}

static int picture_json(FILE *out, const struct picture *picture)
{
    char *cells = malloc(picture->cell_count + 1);
    struct json_object *object, *counts;

    if (!cells)
        return -ENOMEM;
    for (uint64_t i = 0; i < picture->cell_count; i++)
        cells[i] = looks[picture->cells[i]].letter;
    cells[picture->cell_count] = '\0';
    object = json_object_new_object();
    json_object_object_add(object, "file", json_name(picture->name));
    json_object_object_add(object, "size", json_object_new_uint64(picture->size));
    json_object_object_add(object, "page_size", json_object_new_int(MAPSHARE_PAGE_SIZE));
    json_object_object_add(object, "pages", json_object_new_uint64(picture->pages));
    json_object_object_add(object, "pages_per_cell", json_object_new_uint64(picture->pages_per_cell));
    json_object_object_add(object, "cells", json_object_new_string(cells));
    counts = json_object_new_object();
    for (uint32_t state = 0; state < MAPSHARE_RUN_STATES; state++) {
        bool known = picture->kernel_known || (state != MAPSHARE_ABI_KERNEL && state != 0);

        json_object_object_add(counts, inspect_state_name(state), known ? json_object_new_uint64(picture->counts[state]) : NULL);
    }
    json_object_object_add(object, "counts", counts);
    json_write(out, object);
    free(cells);
    return 0;
}

static bool colour_wanted(enum colour_choice choice)
{
    const char *no_colour = getenv("NO_COLOR"), *terminal = getenv("TERM");

    if (choice != COLOUR_AUTO)
        return choice == COLOUR_ALWAYS;
    return isatty(STDOUT_FILENO) && !(no_colour && *no_colour) && terminal && strcmp(terminal, "dumb");
}

static int draw(FILE *out, int fd, uint64_t size, const struct arguments *arguments)
{
    struct picture picture = {
        .name = arguments->operands[0],
        .size = size,
        .pages = (size + MAPSHARE_PAGE_SIZE - 1) / MAPSHARE_PAGE_SIZE,
        .colour = colour_wanted(arguments->colour),
    };
    struct mapshare_runs runs;
    int result = mapshare_runs_read(fd, size, &runs);

    if (result)
        return result;
    layout(&picture, arguments->width, !arguments->svg);
    picture.cells = calloc(picture.cell_count + 1, 1);
    if (picture.cells) {
        runs_draw(&picture, &runs);
        if (arguments->svg)
            picture_svg(out, &picture);
        else if (arguments->json)
            result = picture_json(out, &picture);
        else
            picture_print(out, &picture);
    } else {
        result = -ENOMEM;
    }
    free(picture.cells);
    mapshare_runs_free(&runs);
    return result;
}

/* One look at the file: *text, to be freed, is its picture. Nothing stays open. */
static int look(const struct arguments *arguments, char **text)
{
    struct stat status;
    size_t length;
    int fd = inspect_open_file(arguments->operands[0], &status), result = fd < 0 ? fd : 0;
    FILE *out;

    *text = NULL;
    if (result)
        return result;
    out = open_memstream(text, &length);
    result = out ? draw(out, fd, (uint64_t)status.st_size, arguments) : -ENOMEM;
    if (out && fclose(out) && !result)
        result = -ENOMEM;
    close(fd);
    return result;
}

int map_text(char *path, char **text)
{
    struct arguments arguments = {.operands = &path, .operand_count = 1, .colour = COLOUR_NEVER};
    int result = look(&arguments, text);

    if (result) {
        free(*text);
        *text = NULL;
    }
    return result;
}

/* Over what was shown before, line by line, so that it does not flicker. */
static void terminal_show(const char *text)
{
    fputs("\033[H", stdout);
    for (const char *line = text, *end; (end = strchr(line, '\n')); line = end + 1)
        printf("%.*s\033[K\n", (int)(end - line), line);
    fputs("\033[J", stdout);
}

static int svg_save(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    bool failed = !file || fputs(text, file) < 0;

    return (file && fclose(file)) || failed ? -errno : 0;
}

/* False after a message. */
static bool show(const struct arguments *arguments, const char *text)
{
    int result = arguments->svg ? svg_save(arguments->svg, text) : 0;

    if (result)
        message_error(arguments->svg, result);
    else if (!arguments->svg && arguments->follow && !arguments->json && isatty(STDOUT_FILENO))
        terminal_show(text);
    else if (!arguments->svg)
        fputs(text, stdout);
    return !result && !fflush(stdout);
}

enum exit_status command_map(const struct arguments *arguments)
{
    const struct timespec pause = {.tv_nsec = FOLLOW_NANOSECONDS};
    char *text, *shown = NULL;
    bool is_well;
    int result;

    do {
        result = look(arguments, &text);
        is_well = !result && (shown && !strcmp(text, shown) ? true : show(arguments, text));
        free(shown);
        shown = text;
    } while (is_well && arguments->follow && !nanosleep(&pause, NULL));
    free(shown);
    if (result)
        message_error(arguments->operands[0], result);
    return is_well ? STATUS_OK : STATUS_FAILURE;
}
