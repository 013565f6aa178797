/* Asking the daemon about a file. The only place of the tool that uses the daemon's ioctls and attributes.
 *
 * Looking changes nothing: files are opened for reading, without marking a time and without mapping them.
 * All return 0 or -errno; -ENOTTY where the file is not on a mapsharefs mount.
 */
#ifndef CLI_INSPECT_H
#define CLI_INSPECT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "mapshare-abi.h"

#define INSPECT_UNKNOWN UINT64_MAX

/* Opens a regular file or a directory: -ENXIO for anything else, which is not touched. Returns a descriptor. */
int inspect_open(const char *path, struct stat *status);

/* The same for a regular file on a mount of ours: -EISDIR, -ENOTTY. */
int inspect_open_file(const char *path, struct stat *status);

int inspect_info(int fd, struct mapshare_abi_info *info);

/* Dirty pages still in the kernel; INSPECT_UNKNOWN where it cannot be asked. */
int inspect_kernel(int fd, uint64_t *pages);

/* user.mapshare.atomic, of a file or a directory. */
int inspect_atomic(int fd, bool *atomic);

/* One call for each run, in order; a visit that returns non-zero stops it, and that is returned. */
int inspect_ranges(int fd, int (*visit)(void *context, const struct mapshare_abi_run *run), void *context, bool *kernel_known);

/* The text of user.mapshare.stats of a mount's root, to be freed. */
int inspect_statistics(const char *mount_point, char **text);

/* Names and ranks of page states, from MAPSHARE_ABI_KERNEL to MAPSHARE_ABI_FAILED. 0 is a page that is in the store. */
#define INSPECT_STATES (MAPSHARE_ABI_FAILED + 1)

const char *inspect_state_name(uint32_t state);

#endif
