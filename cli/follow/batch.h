/* A batch: which files have changed, a snapshot of them, and whether that is all of what its commits changed. */
#ifndef CLI_FOLLOW_BATCH_H
#define CLI_FOLLOW_BATCH_H

#include "follow/content.h"
#include "follow/to.h"

struct batch {
    struct follow *follow;
    struct tree now; /* where names were listed */
    bool walked;
    struct content_file *files;
    size_t count;
    struct content content;
    uint64_t many; /* files that were sent apart */
};

/* All that the far side has otherwise, or may have. */
int batch_find(struct batch *batch);
void batch_drop(struct batch *batch);
/* Lists names. */
int batch_walk(struct batch *batch);
/* More than can be of one commit: what they have now; then the next batch brings what was committed since. */
int batch_send_many(struct batch *batch);
/* -EAGAIN: names or files are others meanwhile; to be tried again. */
int batch_send_few(struct batch *batch, bool *idle);

#endif
