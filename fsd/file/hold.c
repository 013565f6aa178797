#include "config.h"

#include "file/hold.h"

#include <errno.h>

#include "clock.h"
#include "file/file.h"
#include "file/tail.h"
#include "log.h"

#define SILENCE_NANOSECONDS 3000000000ll

void hold_give_way(struct files *files)
{
    struct journal_hold hold;
    uint64_t head = tail_head(&files->tail);

    if (!journal_held(files->journal, &hold) ||
        (head < hold.position + journal_size(files->journal) / 2 && clock_nanoseconds() - hold.heard < SILENCE_NANOSECONDS))
        return;
    if (journal_hold_end(files->journal, hold.id))
        log_line(LOG_NOTE,
                 "a backup was given up: it read the journal more slowly than that was written; a larger journal_size= helps");
}

int hold_begin(struct files *files, uint64_t id, struct journal_point *point)
{
    if (journal_used(files->journal) > journal_size(files->journal) / 4) {
        wish(&files->wishes, WISH_CHECKPOINT);
        return -EAGAIN;
    }
    return journal_hold_begin(files->journal, id, clock_nanoseconds(), point);
}

void hold_end(struct files *files)
{
    struct journal_hold hold;

    if (journal_held(files->journal, &hold))
        journal_hold_end(files->journal, hold.id);
}
