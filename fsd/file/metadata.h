/* Metadata that is the store's at once (names, owners, modes, attributes) and must be durable before a commit of the file is: or the file would not be
 * found after a crash. For the one thread that takes what comes into a commit. */
#ifndef FILE_METADATA_H
#define FILE_METADATA_H

#include "file/commit.h"

#define SYNC_EACH 8u /* with more files than this the store is flushed as a whole: one flush, not one for each */

bool metadata_is_unsynced(const struct files *files, uint32_t inode);
/* Records have ended that would have told what is unsynced. */
bool metadata_of_store_is_unsynced(const struct files *files);

int metadata_flush(struct files *files, uint32_t inode);
int metadata_flush_open(struct files *files, uint32_t inode, int fd);
/* Of all files that are waited for at once, where they are many, or where it is not known of which. */
int metadata_flush_together(struct files *files, const struct waiter_list *waiters);

#endif
