#include "config.h"

#include "process/remains.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cache/damage.h"
#include "log.h"
#include "process/child.h"
#include "process/left.h"
#include "process/readonly.h"
#include "process/refuse.h"
#include "store/store.h"
#include "store/trust.h"

#define TRIES 3 /* of workers that die over it */

/* ---- the folder ---- */

static int refuse_folder(const struct options *options, const char *why)
{
    log_line(LOG_FATAL, "arena=%s: %s", options->arena, why);
    return -EINVAL;
}

int remains_settle(struct options *options)
{
    char path[PATH_MAX];
    struct statfs status;
    const char *doubt;
    int fd, error;

    if (!options->arena[0])
        return 0;
    if (mkdir(options->arena, 0700) && errno != EEXIST)
        return refuse_folder(options, strerror(errno));
    if (!realpath(options->arena, path))
        return refuse_folder(options, strerror(errno));
    if (strlen(path) >= sizeof options->arena || strchr(path, ','))
        return refuse_folder(options, "its path is too long, or has a comma; give another folder");
    strcpy(options->arena, path);
    fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return refuse_folder(options, strerror(errno));
    error = fstatfs(fd, &status) ? -errno : 0;
    doubt = trust_doubt(fd, S_IFDIR);
    close(fd);
    if (error)
        return refuse_folder(options, strerror(-error));
    if (doubt) {
        log_line(LOG_FATAL, "arena=%s: %s; give a folder of your own, which nobody else may write to", path, doubt);
        return -EPERM;
    }
    if (status.f_type != TMPFS_MAGIC && status.f_type != HUGETLBFS_MAGIC)
        return refuse_folder(options, "is neither on a tmpfs nor on a hugetlbfs; give a folder there, as below /run");
    return 0;
}

int remains_open_folder(const struct options *options)
{
    return options->arena[0] ? open(options->arena, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
}

/* ---- of our own ---- */

void remains_sign(struct daemon *daemon)
{
    struct arena_origin *origin = &daemon->arena.header->origin;
    struct stat spill = {0};

    left_origin(daemon->owned[OWNED_STORE], origin);
    if (daemon->owned[OWNED_SPILL] >= 0)
        fstat(daemon->owned[OWNED_SPILL], &spill);
    origin->spill = spill.st_ino;
}

void remains_name(const struct daemon *daemon)
{
    char file[32], path[PATH_MAX];

    if (!daemon->options->arena[0])
        return;
    snprintf(file, sizeof file, "/proc/self/fd/%d", daemon->owned[OWNED_ARENA]);
    left_path(daemon->owned[OWNED_STORE], daemon->options->arena, path);
    if (linkat(AT_FDCWD, file, AT_FDCWD, path, AT_SYMLINK_FOLLOW))
        log_line(LOG_WARN,
                 "%s: cannot be made (%s): what was received and not committed is lost if all processes of the mount die at once",
                 path, strerror(errno));
}

/* Whatever has the name now, if it is not ours it stays. */
void remains_discard(const struct daemon *daemon)
{
    struct stat ours, named;
    char path[PATH_MAX];

    if (!daemon->options->arena[0])
        return;
    left_path(daemon->owned[OWNED_STORE], daemon->options->arena, path);
    if (!fstat(daemon->owned[OWNED_ARENA], &ours) && !lstat(path, &named) && ours.st_dev == named.st_dev &&
        ours.st_ino == named.st_ino)
        unlink(path);
    unlinkat(daemon->owned[OWNED_PRIVATE_FOLDER], SPILL_NAME, 0);
}

/* ---- what another left ---- */

static const char *open_spill(const struct daemon *daemon, struct daemon *dead, const struct arena_header *header)
{
    int *spill = &dead->owned[OWNED_SPILL];
    struct stat status;

    if (!header->spill_max)
        return NULL;
    *spill = openat(daemon->owned[OWNED_PRIVATE_FOLDER], SPILL_NAME, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (*spill < 0)
        return "its spill file is gone";
    if (trust_doubt(*spill, S_IFREG) || fstat(*spill, &status) || status.st_ino != header->origin.spill ||
        (uint64_t)status.st_size < (uint64_t)header->spilled << PAGE_SHIFT) /* what lies beyond has no frames */
        return "its spill file is another one";
    return NULL;
}

/* A sentence; NULL: there is none, and it is mapped. */
static const char *find_fault(const struct daemon *daemon, struct daemon *dead)
{
    static struct arena_header header;
    const char *fault;

    fault = left_fault(daemon->owned[OWNED_STORE], daemon->owned[OWNED_PRIVATE_FOLDER], dead->owned[OWNED_ARENA], &header);
    if (!fault)
        fault = open_spill(daemon, dead, &header);
    if (!fault && arena_adopt(&dead->arena, dead->owned[OWNED_ARENA], dead->owned[OWNED_SPILL]))
        fault = "it cannot be mapped, or its tables are of another size";
    return fault;
}

/* What dead workers had given to the disk is awaited: recovery must not meet it. */
static void end_orphans(const struct daemon *dead)
{
    DIR *folder = opendir("/proc/self/fd");
    struct dirent *entry;

    while (folder && (entry = readdir(folder))) {
        int fd = atoi(entry->d_name);
        bool keep = fd <= STDERR_FILENO || fd == dirfd(folder);

        for (int i = 0; i < OWNED_COUNT; i++)
            keep |= dead->owned[i] == fd;
        if (!keep)
            store_end_orphan(fd);
    }
    if (folder)
        closedir(folder);
}

static int wait_for(pid_t pid)
{
    int status = -1; /* as of one that could not be made */

    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

/* By a worker that serves nobody, and the next one where it dies of that. True when all is committed. */
static bool commit_received(struct daemon *dead)
{
    int status = -1;

    for (int i = 0; i < TRIES && !WIFEXITED(status); i++)
        status = wait_for(child_start_worker(dead, true));
    end_orphans(dead);
    return WIFEXITED(status) && WEXITSTATUS(status) == WORKER_DONE;
}

static void take_up(const struct daemon *daemon, struct daemon *dead, const char *path)
{
    struct arena_counters *counters = &dead->arena.header->counters;
    uint64_t commits = counters->commits, pages = counters->pages_committed, left;

    arena_forget_clients(&dead->arena);
    if (!commit_received(dead)) {
        log_line(LOG_WARN, "%s: not all that the mount before had received can be committed", path);
        wait_for(refuse_save(dead));
        return;
    }
    if (counters->commits != commits) {
        log_line(LOG_WARN,
                 "%s: all processes of the mount before died at once; %" PRIu64 " pages that it had received are committed now",
                 daemon->options->store, counters->pages_committed - pages);
    }
    left = arena_damage(&dead->arena) ? 0 : refuse_count(&dead->arena);
    if (left)
        log_line(LOG_WARN,
                 "%s: %" PRIu64 " pages that no program had committed are dropped: these files are as of their last commits",
                 daemon->options->store, left);
}

/* A process of its own, whose workers share no more than they need, and whose end is not the mount's. */
static void run(const struct daemon *daemon, int fd, const char *path)
{
    struct daemon dead = *daemon;
    const char *fault;

    close(daemon->place.parent); /* it leads out of the store */
    dead.owned[OWNED_ARENA] = fd;
    fault = find_fault(daemon, &dead);
    if (fault)
        log_line(LOG_WARN, "%s: %s: what it has beyond the store's commits is lost", path, fault);
    else
        take_up(daemon, &dead, path);
    _exit(0);
}

void remains_take_up(struct daemon *daemon)
{
    char path[PATH_MAX];
    const char *doubt;
    int fd;

    if (readonly_applies(daemon) || !left_find(daemon->owned[OWNED_STORE], daemon->owned[OWNED_LOCK], daemon->options->arena, path))
        return;
    fd = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return;
    doubt = fd < 0 ? strerror(errno) : trust_doubt(fd, S_IFREG);
    if (doubt) {
        log_line(LOG_WARN, "%s: %s: not used; check who made it, and remove it", path, doubt);
    } else {
        pid_t pid = fork();

        if (!pid)
            run(daemon, fd, path);
        if (wait_for(pid))
            log_line(LOG_WARN, "%s: cannot be taken up: what it has beyond the store's commits is lost", path);
        unlink(path);
    }
    if (fd >= 0)
        close(fd);
}
