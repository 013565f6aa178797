/* A file system that writes nothing in place needs room to write what a journal has, though the files have their blocks: on a full one recovery would
 * fail. So a file keeps as much room as the journal can hold, until a recovery needs it.
 */
#ifndef JOURNAL_RESERVE_H
#define JOURNAL_RESERVE_H

#include <stdbool.h>
#include <stdint.h>

/* Of a mount, once its journal is empty. Where there is no room for it, one line tells. */
void reserve_make(int folder, uint64_t size);
/* True: there is more room than before. */
bool reserve_spend(int folder);

#endif
