/* The files in which processes share a file's locks and notices (cache/area.h): told by ioctl, opened by name, mapped by clients. */
#ifndef REQUEST_AREA_H
#define REQUEST_AREA_H

#include "mapshare-abi.h"
#include "request/handle.h"

/* MAPSHARE_IOC_AREA. The locks are for who has the file open for writing. */
void area_tell(fuse_req_t request, uint32_t inode, const struct handle *handle, const struct mapshare_abi_area *in);

/* In place of the handlers of files; each replies. */
void area_lookup(fuse_req_t request, const char *name);
void area_getattr(fuse_req_t request, fuse_ino_t node);
void area_open(fuse_req_t request, fuse_ino_t node, struct fuse_file_info *info);
void area_read(fuse_req_t request, fuse_ino_t node, size_t size, off_t offset, uint64_t handle);
void area_write(fuse_req_t request, fuse_ino_t node);
void area_getxattr(fuse_req_t request, fuse_ino_t node, const char *name, size_t size);

#endif
