#include "config.h"

#include "process/setup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "journal/apart.h"
#include "log.h"
#include "process/claim.h"
#include "process/mount.h"
#include "process/readonly.h"
#include "process/remains.h"
#include "process/sizes.h"
#include "sandbox/sandbox.h"

int setup_resolve(const char *given, char path[4096], const char *what)
{
    if (realpath(given, path))
        return 0;
    log_line(LOG_FATAL, "%s: %s: %s", given, what, strerror(errno));
    return -errno;
}

static void tell(const char *path, const char *text)
{
    log_line(LOG_WARN, "%s: %s", path ? path : "recovery", text);
}

static int recover(struct daemon *daemon, const char *given)
{
    struct recover_report report;
    int error = recover_apart(daemon->owned[OWNED_STORE], false, tell, &report);
    const char *name, *doubt = error == -EPERM ? journal_doubt(daemon->owned[OWNED_STORE], &name) : NULL;

    if (doubt) {
        log_line(LOG_FATAL, "%s/%s: %s: not used; check who made it, then repair or remove it", given, name, doubt);
        return error;
    }
    if (report.commits_lost)
        log_line(LOG_FATAL,
                 "%s: the journal is damaged: at least %" PRIu64
                 " commits behind the damage are lost; mapshare recover --give-up %s "
                 "keeps what is before it",
                 given, report.commits_lost, given);
    else if (report.files_lost)
        log_line(LOG_FATAL,
                 "%s: %" PRIu64 " pages of %" PRIu64
                 " files have no place; put the files back under the names above, or give these pages "
                 "up with mapshare recover --give-up %s",
                 given, report.pages_lost, report.files_lost, given);
    else if (error)
        log_line(LOG_FATAL, "%s: recovery failed: %s; mapshare journal %s shows what is there", given, strerror(-error), given);
    else if (report.commits)
        log_line(LOG_NOTE, "%s: recovered %" PRIu64 " commits, %" PRIu64 " pages in %" PRIu64 " files", given, report.commits,
                 report.pages, report.files);
    daemon->recovered = report.commits;
    return error;
}

static int check_device(void)
{
    int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

    if (fd < 0) {
        int error = errno;

        log_line(LOG_FATAL, "/dev/fuse: %s; %s", strerror(error),
                 error == EACCES ? "who mounts must be able to read and write it (ls -l /dev/fuse)"
                 : error == EPERM
                     ? "the container may not use the device: start it with --device /dev/fuse, or what it has for that"
                     : "load the kernel's fuse module (modprobe fuse); a container must be given the device");
        return -error;
    }
    close(fd);
    return 0;
}

static int open_channel(struct daemon *daemon)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends)) {
        log_line(LOG_FATAL, "no socket: %s", strerror(errno));
        return -errno;
    }
    daemon->owned[OWNED_WORKER_END] = ends[0];
    daemon->owned[OWNED_PROBE_END] = ends[1];
    return 0;
}

int setup_daemon(struct daemon *daemon, struct options *options)
{
    static char store[4096], mountpoint[4096];
    int error = check_device();

    daemon->options = options;
    if (!error)
        error = setup_resolve(options->store, store, "the store");
    if (!error)
        error = setup_resolve(options->mountpoint, mountpoint, "the mount point");
    if (!error)
        error = mount_check(daemon, options->mountpoint, mountpoint, store);
    if (!error)
        error = claim_store(daemon, options->store, store);
    if (!error)
        error = remains_settle(options);
    if (!error)
        error = sizes_choose(options, daemon);
    daemon->owned[OWNED_ROOM] = error ? -1 : sandbox_make_room();
    if (!error)
        remains_take_up(daemon);
    if (!error && !readonly_applies(daemon))
        error = recover(daemon, options->store);
    if (!error)
        error = sizes_make_arena(daemon);
    if (!error)
        error = open_channel(daemon);
    options->store = store;
    options->mountpoint = mountpoint;
    return error;
}
