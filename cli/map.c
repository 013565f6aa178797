/* The picture of a file's pages. A cell is a letter, on a coloured ground where there is colour: nothing is said by colour alone. */
#include "config.h"

#include "command.h"
#include "inspect.h"
#include "libmapshare/runs.h"
#include "message.h"
#include "output.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define ROWS_WITHOUT_TERMINAL 32
#define COLUMNS_WITHOUT_TERMINAL 100
#define WIDTH_WITHOUT_TERMINAL 64
#define LINES_AROUND 6 /* title, legend, prompt */

/* By state; `rank` says which of a block's states is shown. */
static const struct {
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

struct picture {
    uint64_t pages;
    uint64_t pages_per_cell; /* a power of two, so that the rows' numbers are even */
    uint64_t cell_count;
    unsigned width;
    unsigned columns;
    bool colour;
    bool kernel_known;
    uint64_t counts[MAPSHARE_RUN_STATES];
    uint8_t *cells; /* states */
};

static unsigned digits(uint64_t number)
{
    unsigned count = 1;

    while (number /= 10)
        count++;
    return count;
}

static void layout(struct picture *picture, unsigned width)
{
    unsigned rows = ROWS_WITHOUT_TERMINAL;
    unsigned columns = COLUMNS_WITHOUT_TERMINAL;
    struct winsize window;
    bool on_terminal = isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col && window.ws_row;

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

static void cells_print(const struct picture *picture, uint64_t first, uint64_t count)
{
    int shown = -1;

    for (uint64_t i = first; i < first + count; i++) {
        uint8_t state = picture->cells[i];

        if (picture->colour && state != shown)
            printf("\033[0;%sm", looks[state].colour);
        putchar(looks[state].letter);
        shown = state;
    }
    if (picture->colour)
        fputs("\033[0m", stdout);
}

static void legend_print(const struct picture *picture)
{
    unsigned column = 0;

    for (uint32_t state = 0; state < MAPSHARE_RUN_STATES; state++) {
        char count[32] = "unknown";
        unsigned needed;

        if (state != MAPSHARE_ABI_KERNEL || picture->kernel_known)
            snprintf(count, sizeof count, "%" PRIu64, picture->counts[state]);
        needed = (unsigned)(strlen(inspect_state_name(state)) + strlen(count)) + 3;
        if (column && column + needed + 3 > picture->columns) {
            putchar('\n');
            column = 0;
        }
        column += (unsigned)printf("%s", column ? "   " : "") + needed;
        if (picture->colour)
            printf("\033[0;%sm%c\033[0m", looks[state].colour, looks[state].letter);
        else
            putchar(looks[state].letter);
        printf(" %s %s", inspect_state_name(state), count);
    }
    putchar('\n');
}

static void picture_print(const struct picture *picture, const char *name, uint64_t size)
{
    char text[OUTPUT_SIZE_SIZE];

    printf("%s: %s, %" PRIu64 " page%s", quoted(name), output_size(text, size), picture->pages, picture->pages == 1 ? "" : "s");
    if (picture->pages_per_cell > 1)
        printf(", %" PRIu64 " pages (%s) a cell", picture->pages_per_cell,
               output_size(text, picture->pages_per_cell * MAPSHARE_PAGE_SIZE));
    putchar('\n');
    for (uint64_t cell = 0; cell < picture->cell_count; cell += picture->width) {
        uint64_t left = picture->cell_count - cell;

        printf("%*" PRIu64 "  ", (int)digits(picture->pages), cell * picture->pages_per_cell);
        cells_print(picture, cell, left < picture->width ? left : picture->width);
        putchar('\n');
    }
    legend_print(picture);
}

static int picture_json(const struct picture *picture, const char *name, uint64_t size)
{
    char *cells = malloc(picture->cell_count + 1);
    struct json_object *object, *counts;

    if (!cells)
        return -ENOMEM;
    for (uint64_t i = 0; i < picture->cell_count; i++)
        cells[i] = looks[picture->cells[i]].letter;
    cells[picture->cell_count] = '\0';
    object = json_object_new_object();
    json_object_object_add(object, "file", json_name(name));
    json_object_object_add(object, "size", json_object_new_uint64(size));
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
    json_print(object);
    free(cells);
    return 0;
}

static bool colour_wanted(void)
{
    const char *no_colour = getenv("NO_COLOR"), *terminal = getenv("TERM");

    return isatty(STDOUT_FILENO) && !(no_colour && *no_colour) && terminal && strcmp(terminal, "dumb");
}

static int draw(int fd, const char *name, uint64_t size, const struct arguments *arguments)
{
    struct picture picture = {.pages = (size + MAPSHARE_PAGE_SIZE - 1) / MAPSHARE_PAGE_SIZE};
    struct mapshare_runs runs;
    int result = mapshare_runs_read(fd, size, &runs);

    if (result)
        return result;
    layout(&picture, arguments->width);
    picture.colour = colour_wanted();
    picture.cells = calloc(picture.cell_count + 1, 1);
    if (picture.cells) {
        runs_draw(&picture, &runs);
        if (arguments->json)
            result = picture_json(&picture, name, size);
        else
            picture_print(&picture, name, size);
    } else {
        result = -ENOMEM;
    }
    free(picture.cells);
    mapshare_runs_free(&runs);
    return result;
}

enum exit_status command_map(const struct arguments *arguments)
{
    const char *name = arguments->operands[0];
    struct stat status;
    int fd = inspect_open_file(name, &status);
    int result = fd < 0 ? fd : draw(fd, name, (uint64_t)status.st_size, arguments);

    if (fd >= 0)
        close(fd);
    if (result == 0)
        return STATUS_OK;
    message_error(name, result);
    return STATUS_FAILURE;
}
