#include "config.h"

#include "inspect.h"
#include "message.h"
#include "output.h"
#include "picture.h"

#include <inttypes.h>
#include <stdlib.h>

#define CELL 10 /* pixels */
#define MARGIN 10
#define TEXT_LINE 18
#define LEGEND_WIDTH 140
#define LEGEND_COLUMNS 3

static const char *const paints[MAPSHARE_RUN_STATES] = {
    [0] = "#e4e4e4",
    [MAPSHARE_ABI_COMMITTED] = "#3a9d4a",
    [MAPSHARE_ABI_WRITEBACK] = "#3566c8",
    [MAPSHARE_ABI_RECEIVED] = "#2bb3c0",
    [MAPSHARE_ABI_KERNEL] = "#e5b52a",
    [MAPSHARE_ABI_FAILED] = "#c8302c",
};

static void escaped(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '&' || *text == '<' || *text == '>')
            fprintf(out, "&#%d;", *text);
        else
            fputc(MB_CUR_MAX == 1 && (unsigned char)*text >= 0x80 ? '?' : *text, out);
    }
}

/* The cells from `first` to before `end` are in one row and have one state. */
static void tile(FILE *out, const struct picture *picture, uint64_t first, uint64_t end, unsigned top)
{
    uint64_t last_page = end * picture->pages_per_cell - 1;
    uint8_t state = picture->cells[first];

    fprintf(out, "<rect x=\"%" PRIu64 "\" y=\"%" PRIu64 "\" width=\"%" PRIu64 "\" height=\"%d\" fill=\"%s\">",
            MARGIN + first % picture->width * CELL, top + first / picture->width * CELL, (end - first) * CELL, CELL - 1,
            paints[state]);
    fprintf(out, "<title>pages %" PRIu64 " to %" PRIu64 ": %s</title></rect>\n", first * picture->pages_per_cell,
            last_page < picture->pages ? last_page : picture->pages - 1, inspect_state_name(state));
}

static void tiles(FILE *out, const struct picture *picture, unsigned top)
{
    uint64_t first = 0;

    for (uint64_t end = 1; end <= picture->cell_count; end++) {
        if (end < picture->cell_count && end % picture->width && picture->cells[end] == picture->cells[first])
            continue;
        tile(out, picture, first, end, top);
        first = end;
    }
}

static void legend(FILE *out, const struct picture *picture, uint64_t top)
{
    for (uint32_t state = 0; state < MAPSHARE_RUN_STATES; state++) {
        unsigned left = MARGIN + state % LEGEND_COLUMNS * LEGEND_WIDTH;
        uint64_t line = top + state / LEGEND_COLUMNS * TEXT_LINE;

        fprintf(out, "<rect x=\"%u\" y=\"%" PRIu64 "\" width=\"%d\" height=\"%d\" fill=\"%s\"/>", left, line, CELL, CELL,
                paints[state]);
        fprintf(out, "<text x=\"%u\" y=\"%" PRIu64 "\">%s ", left + CELL + 5, line + CELL, inspect_state_name(state));
        if (state != MAPSHARE_ABI_KERNEL || picture->kernel_known)
            fprintf(out, "%" PRIu64 "</text>\n", picture->counts[state]);
        else
            fputs("unknown</text>\n", out);
    }
}

void picture_svg(FILE *out, const struct picture *picture)
{
    uint64_t rows = (picture->cell_count + picture->width - 1) / picture->width, across = picture->width * CELL;
    unsigned top = MARGIN + TEXT_LINE;
    uint64_t bottom = top + rows * CELL + MARGIN;
    char text[OUTPUT_SIZE_SIZE];

    if (across < LEGEND_COLUMNS * LEGEND_WIDTH)
        across = LEGEND_COLUMNS * LEGEND_WIDTH;
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%" PRIu64 "\" height=\"%" PRIu64
            "\" font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
            across + 2 * MARGIN, bottom + 2 * TEXT_LINE + MARGIN);
    fprintf(out, "<text x=\"%d\" y=\"%d\">", MARGIN, MARGIN + TEXT_LINE / 2);
    escaped(out, quoted(picture->name));
    fprintf(out, ": %s, %" PRIu64 " pages", output_size(text, picture->size), picture->pages);
    if (picture->pages_per_cell > 1)
        fprintf(out, ", %" PRIu64 " a cell", picture->pages_per_cell);
    fputs("</text>\n", out);
    tiles(out, picture, top);
    legend(out, picture, bottom);
    fputs("</svg>\n", out);
}
