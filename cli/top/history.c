#include "config.h"

#include "latencies.h"
#include "top/history.h"

#include <langinfo.h>
#include <ncurses.h>
#include <string.h>

void history_add(struct history *history, const struct sample *before, const struct sample *after)
{
    double seconds = sample_seconds(before, after), *values[SERIES_COUNT];
    struct mapshare_abi_latency since = after->latencies;

    latencies_since(&since, &before->latencies);
    for (int i = 0; i < SERIES_COUNT; i++) {
        if (history->count == HISTORY_LENGTH)
            memmove(history->values[i], history->values[i] + 1, (HISTORY_LENGTH - 1) * sizeof(double));
        values[i] = &history->values[i][history->count < HISTORY_LENGTH ? history->count : HISTORY_LENGTH - 1];
    }
    history->count += history->count < HISTORY_LENGTH;
    *values[SERIES_COMMITS] = (double)(sample_number(after, "commits") - sample_number(before, "commits")) / seconds;
    *values[SERIES_BYTES] =
        (double)(sample_number(after, "pages_committed") - sample_number(before, "pages_committed")) * MAPSHARE_PAGE_SIZE / seconds;
    *values[SERIES_P50] = (double)latencies_quantile(&since, MAPSHARE_ABI_LATENCY_COMMIT, 500);
    *values[SERIES_P99] = (double)latencies_quantile(&since, MAPSHARE_ABI_LATENCY_COMMIT, 990);
}

double history_last(const struct history *history, enum series series)
{
    return history->count ? history->values[series][history->count - 1] : 0;
}

void history_draw(const struct history *history, enum series series, int row, int from)
{
    static const char *const blocks[] = {"\u2581", "\u2582", "\u2583", "\u2584", "\u2585", "\u2586", "\u2587", "\u2588"};
    static const char *const letters[] = {"_", ".", ":", "-", "=", "+", "*", "#"};
    const char *const *steps = strcmp(nl_langinfo(CODESET), "UTF-8") ? letters : blocks;
    const double *values = history->values[series];
    int width = COLS - from;
    unsigned first = width < (int)history->count ? history->count - (unsigned)(width > 0 ? width : 0) : 0;
    double most = 0;

    for (unsigned i = first; i < history->count; i++)
        most = values[i] > most ? values[i] : most;
    move(row, COLS - (int)(history->count - first));
    for (unsigned i = first; i < history->count; i++)
        addstr(values[i] > 0 ? steps[(int)(values[i] / most * 7)] : steps[0]);
}
