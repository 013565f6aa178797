/* top's last minute. */
#ifndef CLI_TOP_HISTORY_H
#define CLI_TOP_HISTORY_H

#include "top/sample.h"

/* The last minute, a value a second, the newest last. */
#define HISTORY_LENGTH 60u
enum series { SERIES_COMMITS, SERIES_BYTES, SERIES_P50, SERIES_P99, SERIES_COUNT }; /* a second; nanoseconds that commits took */
struct history {
    unsigned count;
    double values[SERIES_COUNT][HISTORY_LENGTH];
};
void history_add(struct history *history, const struct sample *before, const struct sample *after);
double history_last(const struct history *history, enum series series);
/* The newest ones as a line of as many cells, at the right end of the row. */
void history_draw(const struct history *history, enum series series, int row, int from);

#endif
