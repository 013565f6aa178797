#include "config.h"

#include "file/room.h"

#include <errno.h>

#include "file/ahead.h"
#include "file/event.h"
#include "file/hold.h"
#include "journal/extend.h"
#include "units.h"

#define AMPLE (256 * MIB) /* from here on it grows for large changes alone */
#define ROUNDS 64         /* a longer journal is not waited for longer */
#define EMPTY_ROUNDS 3    /* nor when it was empty so often: there is no room on the disk */

static uint64_t limit_of(const struct files *files)
{
    return arena_tuning(files->arena->header)->journal_max;
}

static bool may_grow(const struct files *files)
{
    return journal_size(files->journal) * 2 < limit_of(files);
}

/* What fails is tried again when it is wanted again. */
void room_make(struct files *files, bool half_used)
{
    bool wanted = wish_take(&files->wishes, WISH_JOURNAL), small = journal_size(files->journal) <= AMPLE / 2;
    int error;

    if (!may_grow(files))
        return;
    journal_rewind(files->journal);
    if (!wanted && !(small && half_used))
        return;
    error = journal_extend(files->journal, small ? 4 : 2, limit_of(files));
    if (error == -EAGAIN)
        wish(&files->wishes, WISH_JOURNAL);
    else if (!error)
        event_tell(files, MAPSHARE_ABI_GROWTH, journal_size(files->journal), 0);
}

bool room_wait(struct files *files, uint64_t pages)
{
    uint64_t size = journal_size(files->journal);
    int error = 0, empty = 0;

    if (!may_grow(files) || pages * PAGE_BYTES > limit_of(files) / 8 * 7)
        return false;
    hold_end(files);
    for (int i = 0; i < ROUNDS && !error && empty < EMPTY_ROUNDS && journal_size(files->journal) == size; i++) {
        empty += journal_used(files->journal) == 0;
        error = wish_round(&files->wishes, WISH_CHECKPOINT | WISH_NO_STREAMS | WISH_JOURNAL);
        ahead_roll_back(files);
    }
    return journal_size(files->journal) > size;
}
