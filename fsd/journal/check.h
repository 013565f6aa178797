/* Whether a journal holds, and what a recovery would do. Nothing is changed. */
#ifndef JOURNAL_CHECK_H
#define JOURNAL_CHECK_H

#include "journal/recover.h"
#include "store/identity.h"

struct journal_check {
    bool superblocks[2]; /* the two copies: whole */
    bool left_empty;     /* by a clean end */
    bool own;            /* else the store is a copy, and its files are known by their paths */
    uint64_t capacity;
    struct recover_report report; /* what a recovery would tell */
    uint64_t sizes;               /* of files that it would make longer or shorter */
};

/* Of a store that no daemon has, or one that only reads it. 0: the log could be read; -errno, as of journal_recover, -ENOENT where there is none. What is
 * known until then is set. Of lost files is told. */
int journal_check(int store_folder, recover_tell tell, struct journal_check *check);

/* Of a journal in use, what is from one position to another, as long as that is held (journal_hold_begin). -EBADMSG: not all of it is whole. */
int journal_check_part(int store_folder, uint64_t position, uint64_t number, uint64_t end, struct journal_check *check);

#endif
