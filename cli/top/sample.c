/* What top has seen of a mount at one moment. */
#include "config.h"

#include "inspect.h"
#include "top/sample.h"

#include <errno.h>
#include <inttypes.h>
#include <ncurses.h>
#include <stdio.h>
#include <string.h>

const struct frame_state frame_states[FRAME_STATES] = {
    {"frames_received", "received", 'r', COLOR_CYAN},   {"frames_committed", "committed", 'c', COLOR_GREEN},
    {"frames_writeback", "writeback", 'w', COLOR_BLUE}, {"frames_failed", "failed", 'F', COLOR_RED},
    {"frames_free", "free", ' ', COLOR_BLACK},
};

uint64_t sample_number(const struct sample *sample, const char *key)
{
    return statistics_number(&sample->statistics, key);
}

double sample_seconds(const struct sample *before, const struct sample *after)
{
    return (double)(after->taken.tv_sec - before->taken.tv_sec) + (double)(after->taken.tv_nsec - before->taken.tv_nsec) / 1e9;
}

uint64_t sample_frames_clean(const struct sample *sample)
{
    uint64_t clean = sample_number(sample, "frames_total");

    for (size_t i = 0; i < FRAME_STATES; i++) {
        uint64_t count = sample_number(sample, frame_states[i].key);

        clean -= count < clean ? count : clean;
    }
    return clean;
}

unsigned sample_percent(uint64_t part, uint64_t whole)
{
    return whole ? (unsigned)((double)part * 100 / (double)whole + 0.5) : 0;
}

bool sample_user_line(const struct sample *sample, size_t *at, char text[SAMPLE_LINE_SIZE], bool *over)
{
    const struct statistics *statistics = &sample->statistics;
    uint32_t user, other;
    uint64_t share = sample_number(sample, "share");
    size_t used = 0;

    *over = false;
    while (*at < statistics->count && !statistic_user(&statistics->entries[*at], &user))
        ++*at;
    if (*at == statistics->count)
        return false;
    for (; *at < statistics->count && used < SAMPLE_LINE_SIZE; ++*at) {
        const char *what = statistic_user(&statistics->entries[*at], &other);

        if (!what || other != user)
            break;
        if (!used)
            used = (size_t)snprintf(text, SAMPLE_LINE_SIZE, "%-10" PRIu32, user);
        used += (size_t)snprintf(text + used, SAMPLE_LINE_SIZE - used, " %s %" PRIu64,
                                 strcmp(what, "probe_milliseconds") ? what : "probe ms", statistics->entries[*at].number);
        *over |= !strcmp(what, "memory") && share && statistics->entries[*at].number >= share;
    }
    return true;
}

const char *sample_files_problem(const struct sample *sample)
{
    return sample->files_error == -EPERM ? "only root and the mount's owner may ask" : strerror(-sample->files_error);
}

int sample_take(const char *mount_point, struct sample *out)
{
    int result;

    *out = (struct sample){0};
    clock_gettime(CLOCK_MONOTONIC, &out->taken);
    result = statistics_read(mount_point, &out->statistics);
    if (!result && inspect_latency(mount_point, &out->latencies))
        memset(&out->latencies, 0, sizeof out->latencies);
    if (!result)
        out->files_error = file_table_read(mount_point, &out->files);
    return result;
}

void sample_free(struct sample *sample)
{
    statistics_free(&sample->statistics);
    file_table_free(&sample->files);
}
