/* Changing attributes: owner, mode, size, times. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "cache/place.h"
#include "request/attribute.h"
#include "request/caller.h"
#include "request/change.h"
#include "request/current.h"
#include "request/open.h"
#include "request/operations.h"
#include "request/path.h"
#include "request/privilege.h"

static int set_store_times(fuse_req_t request, const struct descriptor *descriptor, const struct stat *to, int set)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_nsec = UTIME_OMIT}};
    int error;

    if (set & FUSE_SET_ATTR_ATIME_NOW)
        times[0].tv_nsec = UTIME_NOW;
    else if (set & FUSE_SET_ATTR_ATIME)
        times[0] = to->st_atim;
    if (set & FUSE_SET_ATTR_MTIME_NOW)
        times[1].tv_nsec = UTIME_NOW;
    else if (set & FUSE_SET_ATTR_MTIME)
        times[1] = to->st_mtim;
    caller_act_as(server_of(request), request);
    error = utimensat(descriptor->fd, "", times, AT_EMPTY_PATH) ? -errno : 0;
    caller_act_as_self(server_of(request), request);
    return error;
}

static void set_file_times(struct server *server, uint32_t file, const struct stat *to, int set)
{
    int which = (set & FUSE_SET_ATTR_ATIME ? FILE_ATIME : 0) | (set & FUSE_SET_ATTR_MTIME ? FILE_MTIME : 0) |
                (set & FUSE_SET_ATTR_ATIME_NOW ? FILE_ATIME_NOW : 0) | (set & FUSE_SET_ATTR_MTIME_NOW ? FILE_MTIME_NOW : 0);

    file_set_times(&server->files, file, which, to->st_atim, to->st_mtim);
}

#define SET_TIMES (FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME)

/* Size and times of a file are ours until they are committed, so nothing is done in the store that would have it check. Who sets the size
 * of an open file may write to it, whatever its mode. */
static int check_caller(fuse_req_t request, const struct descriptor *descriptor, int set, bool open)
{
    int times_now = FUSE_SET_ATTR_ATIME_NOW | FUSE_SET_ATTR_MTIME_NOW, error = 0;

    if (set & FUSE_SET_ATTR_SIZE)
        return open ? 0 : caller_check(server_of(request), request, descriptor->fd, W_OK);
    if (set & SET_TIMES) {
        error = caller_check_owner(server_of(request), request, descriptor->fd);
        if (error && (set & times_now) == times_now)
            error = caller_check(server_of(request), request, descriptor->fd, W_OK);
    }
    return error;
}

static int set_size(fuse_req_t request, uint32_t inode, const struct descriptor *descriptor, off_t size, bool open)
{
    struct server *server = server_of(request);
    const struct fuse_setattr_in *in = (const void *)(current_header() + 1);
    int error;
    uint32_t file = file_of(&server->files, inode, true, &error);

    if (!error && !open && file_denies(&server->files, file)) /* by its path: the one who denies has it open */
        error = -ETXTBSY;
    if (!error)
        error = open_check_writable(server, inode);
    if (!error)
        error = file_truncate(&server->files, file, size);
    if (!error && in->valid & FATTR_KILL_SUIDGID)
        error = privilege_drop_open(request, descriptor);
    return error;
}

/* The journal's commits of a file are those of its owner: a recovery writes to no other's. */
static int set_owner(fuse_req_t request, uint32_t inode, const struct descriptor *descriptor, const struct stat *to, int set)
{
    struct server *server = server_of(request);
    uid_t owner = set & FUSE_SET_ATTR_UID ? to->st_uid : (uid_t)-1;
    gid_t group = set & FUSE_SET_ATTR_GID ? to->st_gid : (gid_t)-1;
    bool told = set & FUSE_SET_ATTR_UID && S_ISREG(server->arena.inodes[inode].type);
    char name[4096];
    struct spot spot = {.folder = place_take(&server->inodes, inode, name, sizeof name), .name = name};
    struct change change = {.what = JOURNAL_OWNER, .from = &spot, .owner = owner};
    int error = told ? change_begin(server, &change) : 0;

    if (error)
        return error;
    caller_act_as(server, request);
    if (fchownat(descriptor->fd, "", owner, group, AT_EMPTY_PATH))
        error = -errno;
    caller_act_as_self(server, request);
    if (told)
        change_end(server, &change, !error);
    return error;
}

/* `open`: by a file handle, which libfuse takes out of the request. */
static int set_attributes(fuse_req_t request, uint32_t inode, const struct stat *to, int set, bool open)
{
    struct server *server = server_of(request);
    struct descriptor *descriptor;
    uint32_t file = server->arena.inodes[inode].file, begun;
    int error = descriptor_get(&server->descriptors, inode, &descriptor);

    if (error)
        return error;
    begun = attribute_change_begin(server, inode);
    if (file)
        error = check_caller(request, descriptor, set, open);
    if (!error && set & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID))
        error = set_owner(request, inode, descriptor, to, set);
    if (!error && set & FUSE_SET_ATTR_MODE) {
        inode_modes_hold(&server->inodes);
        caller_act_as(server, request);
        error = path_set_mode(descriptor, to->st_mode & 07777);
        caller_act_as_self(server, request);
        inode_modes_release(&server->inodes);
    }
    if (!error && set & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID | FUSE_SET_ATTR_MODE))
        attribute_changed(server, inode);
    if (!error && set & FUSE_SET_ATTR_SIZE)
        error = set_size(request, inode, descriptor, to->st_size, open);
    if (!error && set & SET_TIMES) {
        if (file)
            set_file_times(server, file, to, set);
        else
            error = set_store_times(request, descriptor, to, set);
        if (!file && !error)
            atomic_fetch_or(&server->arena.inodes[inode].flags, INODE_UNSYNCED);
    }
    attribute_change_end(server, inode, begun);
    descriptor_put(&server->descriptors, descriptor);
    return error;
}

/* Time stamps set while stores made before wait in the kernel's page cache. */
struct parked_times {
    struct probe_request probe;
    fuse_req_t request;
    uint32_t inode;
    struct stat to;
    int set;
};

static void times_pulled(struct probe_request *probe)
{
    struct parked_times *parked = (struct parked_times *)probe;

    attribute_reply(parked->request, parked->inode,
                    set_attributes(parked->request, parked->inode, &parked->to, parked->set, false));
    free(parked);
}

/* T3: a late flush of those stores would mark the file anew, so they are pulled first. */
static void park_times(fuse_req_t request, uint32_t inode, const struct stat *to, int set)
{
    struct parked_times *parked = malloc(sizeof *parked);

    if (!parked) {
        request_reply(request, -ENOMEM);
        return;
    }
    *parked = (struct parked_times){
        .probe = {.question = PROBE_PULL, .inode = inode, .done = times_pulled},
        .request = request,
        .inode = inode,
        .to = *to,
        .set = set,
    };
    request_ask(request, &parked->probe);
}

void request_setattr(fuse_req_t request, fuse_ino_t node, struct stat *to, int set, struct fuse_file_info *info)
{
    uint32_t inode = request_inode(request, node);

    if (!inode)
        return;
    if (KEEP_TIMES && set & SET_TIMES && !(set & FUSE_SET_ATTR_SIZE))
        park_times(request, inode, to, set);
    else
        attribute_reply(request, inode, set_attributes(request, inode, to, set, info));
}
