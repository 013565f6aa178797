/* Looking for damage while the worker serves: each record is looked at under the lock that guards it, one at a time. */
#ifndef FILE_VERIFY_H
#define FILE_VERIFY_H

#include "file/file.h"
#include "mapshare-abi.h"

/* Counts one more record; `damage`: what is wrong with it, or NULL. */
void verify_count(struct mapshare_abi_verify *report, enum mapshare_abi_record kind, const char *damage);
/* A damaged file is contained, and told of; a reference to its record is held. */
void verify_tell_file(struct files *files, struct mapshare_abi_verify *report, uint32_t file, const char *damage);

void verify_inodes(struct files *files, struct mapshare_abi_verify *report);
/* And their frames. */
void verify_files(struct files *files, struct mapshare_abi_verify *report);

#endif
