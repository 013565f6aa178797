#include "config.h"

#include "process/readonly.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "journal/recover.h"
#include "log.h"
#include "mapshare-abi.h"

bool readonly_applies(const struct daemon *daemon)
{
    struct statvfs stat;

    return daemon->options->read_only && !fstatvfs(daemon->owned[OWNED_STORE], &stat) && stat.f_flag & ST_RDONLY;
}

static int visit_nothing(void *context, const struct journal_visit *entry)
{
    (void)context, (void)entry;
    return 0;
}

/* Who has it mounted elsewhere, where it can be written, may change it; any number may read it. */
static int share_lock(struct daemon *daemon, const char *given)
{
    int *lock = &daemon->owned[OWNED_READ_LOCK];

    *lock = openat(daemon->owned[OWNED_STORE], MAPSHARE_PRIVATE_FOLDER "/lock", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (*lock < 0 && errno == ENOENT)
        return 0;
    if (*lock >= 0 && !flock(*lock, LOCK_SH | LOCK_NB))
        return 0;
    log_line(LOG_FATAL, "%s/" MAPSHARE_PRIVATE_FOLDER "/lock: %s; unmount the store where it is mounted", given, strerror(errno));
    return -errno;
}

/* A tmpfs that is mounted nowhere. */
static int open_memory(void)
{
    int context = fsopen("tmpfs", FSOPEN_CLOEXEC), mount = -1, fd = -1, error;

    if (context >= 0 && !fsconfig(context, FSCONFIG_SET_STRING, "mode", "0700", 0) &&
        !fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
        mount = fsmount(context, FSMOUNT_CLOEXEC, 0);
    if (mount >= 0)
        fd = openat(mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    error = -errno;
    if (mount >= 0)
        close(mount);
    if (context >= 0)
        close(context);
    return fd >= 0 ? fd : error;
}

int readonly_claim(struct daemon *daemon, const char *given)
{
    int *folder = &daemon->owned[OWNED_PRIVATE_FOLDER], *lock = &daemon->owned[OWNED_LOCK];
    struct recover_report report = {0};
    int error = share_lock(daemon, given);

    if (error)
        return error;
    error = journal_walk(daemon->owned[OWNED_STORE], visit_nothing, NULL, &report);
    if ((error && error != -ENOENT) || report.commits) {
        log_line(LOG_FATAL, "%s: its journal %s: mount the store once where it can be written", given,
                 report.commits ? "has commits that its files have not" : "cannot be read");
        return error ? error : -EROFS;
    }
    *folder = open_memory();
    if (*folder >= 0)
        *lock = openat(*folder, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (*folder >= 0 && *lock >= 0)
        return 0;
    error = *folder < 0 ? *folder : -errno;
    log_line(LOG_FATAL, "%s: a store that cannot be written is mounted by root only: %s", given, strerror(-error));
    return error;
}
