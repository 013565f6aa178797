/* Listing folders. Offsets are the store's own, so that they stay valid as long as the store's do. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "request/backup.h"
#include "request/current.h"
#include "request/effects.h"
#include "request/entry.h"
#include "request/operations.h"
#include "request/path.h"

void request_opendir(fuse_req_t request, fuse_ino_t node, struct fuse_file_info *info)
{
    uint32_t inode = request_inode(request, node);

    if (!inode)
        return;
    if (inode == INODE_ROOT)
        info->fh = backup_descriptor();
    fuse_reply_open(request, info);
}

void request_releasedir(fuse_req_t request, fuse_ino_t node, struct fuse_file_info *info)
{
    (void)node;
    backup_close(server_of(request), info->fh);
    request_reply(request, 0);
}

/* One reply being filled. */
struct listing {
    fuse_req_t request;
    uint32_t folder;
    int fd;
    struct effects *effects; /* what is counted for it; NULL: names only */
    char *out;
    size_t used, size;
};

static bool is_dots(const char *name)
{
    return !strcmp(name, ".") || !strcmp(name, "..");
}

/* The size that the entry takes, or more than is left when it does not fit. */
static size_t add_entry(struct listing *listing, const struct dirent64 *entry)
{
    struct server *server = server_of(listing->request);
    struct fuse_entry_param plus = {0};
    struct stat stat = {.st_ino = entry->d_ino, .st_mode = DTTOIF(entry->d_type)};
    size_t left = listing->size - listing->used, need;
    struct statx found;
    uint32_t inode = 0;

    if (!listing->effects)
        return fuse_add_direntry(listing->request, listing->out + listing->used, left, entry->d_name, &stat, entry->d_off);
    need = fuse_add_direntry_plus(listing->request, NULL, 0, entry->d_name, NULL, 0);
    if (need > left)
        return need;
    plus.attr = stat;
    if (!is_dots(entry->d_name) &&
        !inode_lookup(&server->inodes, listing->folder, listing->fd, entry->d_name, &found, &inode, listing->effects))
        entry_fill(server, inode, &found, &plus);
    return fuse_add_direntry_plus(listing->request, listing->out + listing->used, left, entry->d_name, &plus, entry->d_off);
}

/* Returns 1 when the reply is full, 0 at the end of the folder, -errno. */
static int fill(struct listing *listing, char *names)
{
    for (;;) {
        long n = syscall(SYS_getdents64, listing->fd, names, FOLDER_BYTES);

        if (n <= 0)
            return n ? -errno : 0;
        for (long at = 0; at < n;) {
            const struct dirent64 *entry = (const void *)(names + at);
            size_t size;

            at += entry->d_reclen;
            if (path_is_reserved(entry->d_name))
                continue;
            size = add_entry(listing, entry);
            if (size > listing->size - listing->used)
                return 1;
            listing->used += size;
        }
    }
}

/* An offset of its own: the cached descriptor is shared. O_NOATIME is for owners only. */
static int open_listing(struct server *server, const struct descriptor *descriptor)
{
    int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | (arena_tuning(server->arena.header)->atime == ATIME_NONE ? O_NOATIME : 0), fd,
        error, tries = 0;

    do {
        fd = openat(descriptor->fd, ".", flags);
        if (fd < 0 && errno == EPERM && flags & O_NOATIME)
            fd = openat(descriptor->fd, ".", flags & ~O_NOATIME);
        error = fd < 0 ? -errno : 0;
    } while (descriptor_spare(&server->descriptors, error, &tries));
    return error ? error : fd;
}

static void list(fuse_req_t request, fuse_ino_t node, size_t size, off_t offset, bool plus)
{
    struct server *server = server_of(request);
    struct listing listing = {.request = request, .effects = plus ? effects_begin(server) : NULL, .out = current()->reply};
    struct descriptor *descriptor;
    int error;

    listing.folder = request_inode(request, node);
    if (!listing.folder)
        return;
    listing.size = size < WRITE_MAX ? size : WRITE_MAX;
    error = descriptor_get(&server->descriptors, listing.folder, &descriptor);
    if (error) {
        request_reply(request, error);
        return;
    }
    listing.fd = open_listing(server, descriptor);
    descriptor_put(&server->descriptors, descriptor);
    if (listing.fd < 0) {
        request_reply(request, listing.fd);
        return;
    }
    if (offset && lseek(listing.fd, offset, SEEK_SET) < 0)
        error = -errno;
    else
        error = fill(&listing, current()->names);
    close(listing.fd);
    if (error < 0 && !listing.used)
        request_reply(request, error);
    else if (fuse_reply_buf(request, listing.out, listing.used))
        entry_take_back(server);
}

void request_readdir(fuse_req_t request, fuse_ino_t node, size_t size, off_t offset, struct fuse_file_info *info)
{
    (void)info;
    list(request, node, size, offset, false);
}

void request_readdirplus(fuse_req_t request, fuse_ino_t node, size_t size, off_t offset, struct fuse_file_info *info)
{
    (void)info;
    list(request, node, size, offset, true);
}
