/* The picture of a file's pages, a cell a run of them. */
#ifndef CLI_PICTURE_H
#define CLI_PICTURE_H

#include "libmapshare/runs.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

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

/* As SVG, a tile a run of cells, which tells its pages and state. */
void picture_svg(FILE *out, const struct picture *picture);

#endif
