/* A line for people when recovery takes long: after two seconds, and every ten from then on. */
#ifndef JOURNAL_PROGRESS_H
#define JOURNAL_PROGRESS_H

#include "journal/recover.h"

struct progress {
    recover_tell tell;    /* NULL: nobody listens */
    struct timespec next; /* monotonic: when to tell */
};

void progress_begin(struct progress *progress, recover_tell tell);
/* So much of it is done. `progress` may be NULL. */
void progress_made(struct progress *progress, const char *doing, uint64_t done, uint64_t all);

#endif
