/* The log gets longer while it is in use. */
#ifndef JOURNAL_EXTEND_H
#define JOURNAL_EXTEND_H

#include "journal/journal.h"

/* `most` times as long, a power of 2, or less if that is what can be now; up to `limit` bytes of the file. For one thread. -EAGAIN: not at this moment, try again
 * when the tail has moved; -EFBIG: it is as long as it may be; -ENOSPC (also where the disk would be nearly full) and others: it stays as it is. */
int journal_extend(struct journal *journal, unsigned most, uint64_t limit);
/* If it is empty it goes on where it can be extended at once. */
void journal_rewind(struct journal *journal);

#endif
