/* Faults on demand, for tests: the store's operations fail or are late as an option says. */
#ifndef FAULT_H
#define FAULT_H

#include "store/store.h"

/* SPEC is a list of rules separated by ':', each OPERATION/TARGET/KIND[/FIRST[/COUNT]]: OPERATION is write, flush, sync, truncate,
 * punch, times or any; TARGET is journal, files or any; KIND an errno's name, or a delay as 20ms; it hits the FIRST matching call (from 1,
 * default 1) and COUNT calls in all (default: for ever). Counting starts when the worker does. 0, or -EINVAL after a message. */
int fault_check(const char *spec);
/* Puts the faults between *store and its callers. `private_folder` holds the journal. */
int fault_wrap(struct store **store, const char *spec, int private_folder);

#endif
