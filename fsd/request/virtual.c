#include "config.h"

#include "request/virtual.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "file/status.h"
#include "mapshare-abi.h"
#include "request/atomicity.h"
#include "request/current.h"
#include "request/pages.h"
#include "request/stats.h"

bool virtual_is(const char *name)
{
    return !strncmp(name, MAPSHARE_XATTR_PREFIX, sizeof MAPSHARE_XATTR_PREFIX - 1);
}

static void get_commit(fuse_req_t request, uint32_t file, size_t size)
{
    struct mapshare_abi_info info = {0};
    char text[64] = "none";

    if (file)
        status_info(&server_of(request)->files, file, &info);
    if (info.sequence)
        snprintf(text, sizeof text, "%" PRIu64 " %" PRId64 ".%09" PRIu32, info.sequence, info.commit_seconds,
                 info.commit_nanoseconds);
    request_reply_value(request, text, strlen(text), size);
}

static void get_error(fuse_req_t request, uint32_t file, size_t size)
{
    int error = file ? server_of(request)->arena.files[file].error : 0;
    const char *name = error ? strerrorname_np(error) : "none";

    request_reply_value(request, name, strlen(name), size);
}

void virtual_get(fuse_req_t request, uint32_t inode, const char *name, size_t size)
{
    const struct inode *truth = &server_of(request)->arena.inodes[inode];

    if (inode == INODE_ROOT && !strcmp(name, MAPSHARE_XATTR_STATS)) {
        stats_get(request, size);
        return;
    }
    if ((truth->type == S_IFREG || truth->type == S_IFDIR) && !strcmp(name, MAPSHARE_XATTR_ATOMIC)) {
        atomicity_get(request, inode, size);
        return;
    }
    if (truth->type == S_IFREG && pages_get(request, inode, name, size))
        return;
    if (truth->type == S_IFREG && !strcmp(name, MAPSHARE_XATTR_COMMIT))
        get_commit(request, truth->file, size);
    else if (truth->type == S_IFREG && !strcmp(name, MAPSHARE_XATTR_ERROR))
        get_error(request, truth->file, size);
    else
        request_reply(request, -ENODATA);
}

void virtual_set(fuse_req_t request, uint32_t inode, const char *name, const char *value, size_t size)
{
    request_reply(request, strcmp(name, MAPSHARE_XATTR_ATOMIC) ? -EPERM : atomicity_set(request, inode, value, size));
}
