/* Snapshots (file/snapshot.h), each of which is an open of a file without a place: it ends with that, also when its reader is killed. Its name is
 * no secret, since it has only what its reader shows descriptors of that are open for reading.
 *
 * Each lookup makes a node of its own, of the request's number, so that no page of one snapshot is ever taken for one of another, nor after
 * a worker's death. The kernel sends no RELEASE of an open while it waits for an answer to another request of it.
 */
#ifndef REQUEST_SNAPSHOT_H
#define REQUEST_SNAPSHOT_H

#include <fuse_lowlevel.h>
#include <stdbool.h>

bool snapshot_is_node(fuse_ino_t node);
/* In place of the handlers of files; each replies. */
void snapshot_lookup(fuse_req_t request);
void snapshot_getattr(fuse_req_t request, fuse_ino_t node);
void snapshot_open(fuse_req_t request, fuse_ino_t node, struct fuse_file_info *info);
void snapshot_read_node(fuse_req_t request, fuse_ino_t node, size_t size, off_t offset, struct fuse_file_info *info);
void snapshot_ioctl(fuse_req_t request, fuse_ino_t node, unsigned command, struct fuse_file_info *info, const void *in,
                    size_t size);
void snapshot_release(fuse_req_t request, fuse_ino_t node, struct fuse_file_info *info);

#endif
