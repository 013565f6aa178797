/* The operations that libfuse dispatches to: each decodes its request, calls one function of the floors below, replies once. */
#ifndef REQUEST_OPERATIONS_H
#define REQUEST_OPERATIONS_H

#include <fuse_lowlevel.h>

extern const struct fuse_lowlevel_ops request_operations;

void request_lookup(fuse_req_t, fuse_ino_t, const char *);
void request_getattr(fuse_req_t, fuse_ino_t, struct fuse_file_info *);
void request_setattr(fuse_req_t, fuse_ino_t, struct stat *, int, struct fuse_file_info *);
void request_readlink(fuse_req_t, fuse_ino_t);
void request_statfs(fuse_req_t, fuse_ino_t);

void request_mknod(fuse_req_t, fuse_ino_t, const char *, mode_t, dev_t);
void request_mkdir(fuse_req_t, fuse_ino_t, const char *, mode_t);
void request_unlink(fuse_req_t, fuse_ino_t, const char *);
void request_rmdir(fuse_req_t, fuse_ino_t, const char *);
void request_symlink(fuse_req_t, const char *, fuse_ino_t, const char *);
void request_rename(fuse_req_t, fuse_ino_t, const char *, fuse_ino_t, const char *, unsigned);
void request_link(fuse_req_t, fuse_ino_t, fuse_ino_t, const char *);
void request_create(fuse_req_t, fuse_ino_t, const char *, mode_t, struct fuse_file_info *);

void request_open(fuse_req_t, fuse_ino_t, struct fuse_file_info *);
void request_release(fuse_req_t, fuse_ino_t, struct fuse_file_info *);
void request_read(fuse_req_t, fuse_ino_t, size_t, off_t, struct fuse_file_info *);
void request_write(fuse_req_t, fuse_ino_t, const char *, size_t, off_t, struct fuse_file_info *);
void request_fsync(fuse_req_t, fuse_ino_t, int, struct fuse_file_info *);
void request_fallocate(fuse_req_t, fuse_ino_t, int, off_t, off_t, struct fuse_file_info *);
void request_lseek(fuse_req_t, fuse_ino_t, off_t, int, struct fuse_file_info *);

void request_opendir(fuse_req_t, fuse_ino_t, struct fuse_file_info *);
void request_releasedir(fuse_req_t, fuse_ino_t, struct fuse_file_info *);
void request_readdir(fuse_req_t, fuse_ino_t, size_t, off_t, struct fuse_file_info *);
void request_readdirplus(fuse_req_t, fuse_ino_t, size_t, off_t, struct fuse_file_info *);
void request_fsyncdir(fuse_req_t, fuse_ino_t, int, struct fuse_file_info *);

void request_setxattr(fuse_req_t, fuse_ino_t, const char *, const char *, size_t, int);
void request_getxattr(fuse_req_t, fuse_ino_t, const char *, size_t);
void request_listxattr(fuse_req_t, fuse_ino_t, size_t);
void request_removexattr(fuse_req_t, fuse_ino_t, const char *);
void request_ioctl(fuse_req_t, fuse_ino_t, unsigned, void *, struct fuse_file_info *, unsigned, const void *, size_t, size_t);
void request_poll(fuse_req_t, fuse_ino_t, struct fuse_file_info *, struct fuse_pollhandle *);

#endif
