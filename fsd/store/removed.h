/* The folder of removed files: what has no name any more but is still needed, because a client has it open or the journal has commits of it, lies
 * here under its identity, so that it is found, and known to have been removed, after any death. Only the store's daemon sees it. */
#ifndef STORE_REMOVED_H
#define STORE_REMOVED_H

#include "store/identity.h"

#define REMOVED_FOLDER "removed" /* in the private folder */

/* Opens the folder in the store's private one, by way of the store's root: files are moved from there. Makes it if need be. A descriptor or
 * -errno. */
int removed_open(int store);

/* Who a file in it is (identity_name). False: it is none of ours. */
bool removed_parse(const char *name, struct identity *identity);

/* The file's last name becomes this one. */
int removed_take(int removed, const struct identity *identity, int folder, const char *name);
/* This name is added, before the last other one is replaced. */
int removed_link(int removed, const struct identity *identity, int folder, const char *name);
bool removed_has(int removed, const struct identity *identity);
int removed_drop(int removed, const struct identity *identity);

/* With O_PATH, if it is that file. -ESTALE: it is not there. */
int removed_reach(int removed, const struct identity *identity);

#endif
