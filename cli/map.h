/* The picture of a file's pages. A cell is a letter, on a coloured ground where there is colour: nothing is said by colour alone. */
#ifndef CLI_MAP_H
#define CLI_MAP_H

#include "libmapshare/runs.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* By state; `rank` says which of a block's states is shown. */
struct look {
    char letter;
    int rank;
    const char *colour; /* a terminal's */
    const char *paint;  /* SVG's */
};
extern const struct look looks[MAPSHARE_RUN_STATES];

struct picture {
    const char *name;
    uint64_t size; /* of the file, bytes */
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

/* As a terminal without colours shows it, to be freed. 0 or -errno. */
int map_text(char *path, char **text);

/* As SVG, a tile a run of cells, which tells its pages and state. */
void picture_svg(FILE *out, const struct picture *picture);

#endif
