/* Writes an image into the store's files. Doing it twice, or after it was interrupted anywhere, gives the same. */
#ifndef JOURNAL_APPLY_H
#define JOURNAL_APPLY_H

#include "journal/find.h"
#include "journal/progress.h"
#include "journal/recover.h"

/* Where the image's bytes come from. */
struct apply_log {
    int fd;
    uint64_t capacity;
    struct progress *progress;
};

/* All files of the image that were found (find_all): durable on return. Counts files and pages. What may be run with another's rights
 * loses that with the first byte that is written to it, as with any other write. */
int apply_image(struct store *store, const struct find *find, const struct apply_log *log, struct image *image,
                struct recover_report *report);

#endif
