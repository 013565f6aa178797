/* Asking the daemon about a file. Beside libmapshare/runs.c the only place of the tool that uses the daemon's
 * ioctls and attributes.
 *
 * Looking changes nothing: files are opened for reading, without marking a time and without mapping them.
 * All return 0 or -errno; -ENOTTY where the file is not on a mapsharefs mount.
 */
#ifndef CLI_INSPECT_H
#define CLI_INSPECT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "mapshare-abi.h"

/* Opens a regular file or a directory: -ENXIO for anything else, which is not touched. Returns a descriptor. */
int inspect_open(const char *path, struct stat *status);

/* The same for a regular file on a mount of ours: -EISDIR, -ENOTTY. */
int inspect_open_file(const char *path, struct stat *status);

int inspect_info(int fd, struct mapshare_abi_info *info);

/* user.mapshare.atomic, of a file or a directory. */
int inspect_atomic(int fd, bool *atomic);

/* Of a page; 0 is one that is in the store. */
const char *inspect_state_name(uint32_t state);

/* What the daemon finds in its memory, asked at a mount's root. */
int inspect_verify(const char *mount_point, struct mapshare_abi_verify *report);

/* How long things took there. */
int inspect_latency(const char *mount_point, struct mapshare_abi_latency *latencies);

/* Changes a mount's options, or tells in `change` why not. */
int inspect_set(const char *mount_point, struct mapshare_abi_set *change);

/* The next part of the files that are not all in the store; `list->next` as the daemon's interface tells. `fd`: of a mount's root. */
int inspect_files(int fd, struct mapshare_abi_files *list);

/* The next part of a feed, as the daemon's interface tells; `fd`: of a file, or of a mount's root. -ERANGE: it is lost. */
int inspect_feed(int fd, struct mapshare_abi_feed *feed);

/* Until the file, or any of the mount, has this commit. -ETIMEDOUT after so many nanoseconds (below 0: never), -EINTR. */
int inspect_wait(int fd, uint64_t sequence, int64_t nanoseconds);

/* These files, open for reading, as of commit *sequence, with no mapping of them (mapshare_snapshot(3)). `root`: of the mount. Returns a descriptor; -ESTALE: the
 * worker died meanwhile. */
int inspect_snapshot(int root, const int *files, size_t count, uint64_t *sequence);
int inspect_snapshot_size(int snapshot, size_t file, uint64_t *size);
/* All up to the end of the file. -ESTALE: it is over. */
ssize_t inspect_snapshot_read(int snapshot, size_t file, void *buffer, size_t length, uint64_t offset);

/* The text of user.mapshare.stats of a mount's root, to be freed. */
int inspect_statistics(const char *mount_point, char **text);

#endif
