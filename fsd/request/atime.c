#include "config.h"

#include "request/atime.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "request/path.h"
#include "request/server.h"

/* The kernel marks what is read through a descriptor of its own, by the rule of the store's mount: marking it ourselves would mark ctime, too. */
static void let_store_mark(struct server *server, const struct descriptor *descriptor)
{
    char path[32], byte;
    int fd, tries = 0;

    path_of_descriptor(path, descriptor);
    do
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    while (descriptor_spare(&server->descriptors, fd < 0 ? -errno : 0, &tries));
    if (fd >= 0 && pread(fd, &byte, 1, 0) < 0)
        log_line(LOG_TRACE, "%s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
}

/* T4: a page that is brought in from the store marks atime, by the mount's rule. */
void atime_mark(struct server *server, uint32_t inode)
{
    bool strict = arena_tuning(server->arena.header)->atime == ATIME_STRICT;
    struct descriptor *descriptor;
    struct stat stat;
    uint32_t file;
    int error;

    if (!KEEP_TIMES || arena_tuning(server->arena.header)->atime == ATIME_NONE || server->options->read_only)
        return;
    file = file_of(&server->files, inode, strict && !server->store_marks, &error);
    if (file) {
        file_mark_atime(&server->files, file, strict);
    } else if (!descriptor_get(&server->descriptors, inode, &descriptor)) {
        if (!fstat(descriptor->fd, &stat) &&
            file_atime_is_due(time_pack(stat.st_atim), time_pack(stat.st_mtim), time_pack(stat.st_ctim), strict))
            let_store_mark(server, descriptor);
        descriptor_put(&server->descriptors, descriptor);
    }
}
