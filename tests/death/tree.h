/* Whether two folders hold the same. */
#ifndef DEATH_TREE_H
#define DEATH_TREE_H

#include <stdbool.h>
#include <stddef.h>

/* Names, types, modes, owners, links, sizes, contents, targets, user's attributes but for our own; times not. `.mapshare` in either's
 * root is passed over. False: `why` tells the first difference. */
bool tree_same(const char *left, const char *right, char *why, size_t size);
/* Removes a folder with all that is in it. */
void tree_remove(const char *path);

#endif
