/* MAPSHARE_IOC_BACKUP: what a live backup asks for, of the journal and of the names. */
#ifndef REQUEST_BACKUP_H
#define REQUEST_BACKUP_H

#include "request/server.h"

struct mapshare_abi_backup;

/* `descriptor`: as opendir numbered it. */
void backup_serve(fuse_req_t request, uint32_t inode, uint64_t descriptor, const struct mapshare_abi_backup *in);
/* A number for a descriptor of the root, by which it is known again until it is closed. */
uint64_t backup_descriptor(void);
/* It is closed. */
void backup_close(struct server *server, uint64_t descriptor);

#endif
