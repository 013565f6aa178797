/* The hold of a backup on the journal, beside the writers' need of room. */
#ifndef FILE_HOLD_H
#define FILE_HOLD_H

#include <stdint.h>

struct files;
struct journal_point;

/* journal_hold_begin() where the reader has not much to read before it keeps up: -EAGAIN until then. */
int hold_begin(struct files *files, uint64_t id, struct journal_point *point);
/* The journal is nearly full, or somebody waits for room in it: a hold whose reader is far behind, or is not heard of, ends. */
void hold_give_way(struct files *files);
/* Nobody reads the journal any more. */
void hold_end(struct files *files);

#endif
