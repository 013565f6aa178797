/* The mark of a backup whose files have names in another backup, too: who writes to one changes the other. So it is not mounted. A copy of such a
 * folder has files of its own, and the mark, which names the folder that it was made for, means nothing in it. */
#ifndef STORE_LINKED_H
#define STORE_LINKED_H

#include <stdbool.h>

/* Marks it. 1: it was marked already; 0; -errno. */
int linked_mark(int store);
void linked_unmark(int store);
bool linked_is_marked(int store);

#endif
