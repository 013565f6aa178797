#include "config.h"

#include <inttypes.h>
#include <stdio.h>

#include "journal/progress.h"

#define FIRST_SECONDS 2
#define NEXT_SECONDS 10

void progress_begin(struct progress *progress, recover_tell tell)
{
    progress->tell = tell;
    clock_gettime(CLOCK_MONOTONIC, &progress->next);
    progress->next.tv_sec += FIRST_SECONDS;
}

void progress_made(struct progress *progress, const char *doing, uint64_t done, uint64_t all)
{
    struct timespec now;
    char text[128];
    if (progress == NULL || progress->tell == NULL || all == 0)
        return;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec < progress->next.tv_sec || (now.tv_sec == progress->next.tv_sec && now.tv_nsec < progress->next.tv_nsec))
        return;
    progress->next.tv_sec = now.tv_sec + NEXT_SECONDS;
    snprintf(text, sizeof(text), "%s: %" PRIu64 " of %" PRIu64 " MiB", doing, done >> 20, all >> 20);
    progress->tell(NULL, text);
}
