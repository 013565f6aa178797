/* The log gets longer while it is in use. */
#ifndef JOURNAL_EXTEND_H
#define JOURNAL_EXTEND_H

#include "journal/journal.h"

/* Twice as long, up to `limit` bytes of the file. For one thread. -EAGAIN: not at this moment, try again when the tail has moved; -EFBIG: it is as long as it
 * may be; -ENOSPC (also where the disk would be nearly full) and others: it stays as it is. */
int journal_extend(struct journal *journal, uint64_t limit);

#endif
