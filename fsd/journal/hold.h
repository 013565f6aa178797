/* The hold on the log: journal.h. */
#ifndef JOURNAL_HOLD_H
#define JOURNAL_HOLD_H

#include "journal/journal.h"

/* A hold that a dead process left is kept only where it can be one. */
void hold_check(struct journal_state *state);

#endif
