/* top's files: which are shown, in what order, which one is chosen, and the keys for that. */
#ifndef CLI_TOP_FILES_H
#define CLI_TOP_FILES_H

#include "top/sample.h"

/* What is looked at, as keys chose it. */
#define FILTER_SIZE 64
struct view {
    enum file_order order;
    char filter[FILTER_SIZE]; /* only files whose path has it */
    bool asks;                /* it is being typed */
    uint64_t chosen;          /* inode number of a file; 0: the first one */
    bool shows_map;           /* of that one */
};
/* Does what the key means to it. False: nothing, the caller's turn. */
bool view_key(struct view *view, int key, const struct sample *sample);
/* The files from this row on, as many as there is room for; or the chosen one's pages, on all of the screen. */
void files_draw(const struct sample *sample, const struct view *view, int row);
void map_draw(const struct sample *sample, const struct view *view, const char *mount_point);
void footer_draw(const struct view *view);

#endif
