/* What happened besides commits, for who traces a mount. */
#ifndef FILE_EVENT_H
#define FILE_EVENT_H

#include "cache/feed.h"
#include "file/file.h"

/* Two figures, as the kind has them. */
void event_tell(struct files *files, enum mapshare_abi_kind kind, uint64_t figure, uint64_t other);
/* Of a file. */
void event_tell_file(struct files *files, enum mapshare_abi_kind kind, uint32_t inode);
/* By who is alone: the keeper, between two workers. */
void event_tell_alone(const struct arena *arena, enum mapshare_abi_kind kind, uint64_t figure);

#endif
