#include "config.h"

#include "backup/job.h"
#include "clock.h"
#include "output.h"

#include <inttypes.h>

#define SHOWN_EACH 250 /* milliseconds */

void backup_show_progress(struct backup *backup, const char *doing)
{
    char size[OUTPUT_SIZE_SIZE];
    uint64_t now = backup->shows_progress ? (uint64_t)clock_milliseconds() : 0;

    if (now < backup->shown + SHOWN_EACH)
        return;
    backup->shown = now;
    fprintf(stderr, "\r%s: %" PRIu64 " files, %s\033[K", doing, backup->files, output_size(size, backup->bytes));
}
