#include "config.h"

#include "process/setup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <inttypes.h>
#include <limits.h>
#include <mntent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "fault.h"
#include "journal/apart.h"
#include "log.h"
#include "mapshare-abi.h"
#include "request/current.h"

#define MIB ((uint64_t)1 << 20)
#define CACHE_DEFAULT_MAX (512 * MIB)
#define CACHE_DEFAULT_MIN (32 * MIB)
#define JOURNAL_DEFAULT (256 * MIB)
#define JOURNAL_MIN (4 * MIB)
#define SPILL_FACTOR 8 /* the spill file may grow to so many times the cache */
#define LOCK_WAIT_SECONDS 120
#define READ_AHEAD_MIN 1024u
#define READ_AHEAD_MAX 4096u
#define FILESYSTEM "mapsharefs"

bool setup_is_mounted(const char *mountpoint)
{
    FILE *mounts = setmntent("/proc/self/mounts", "r");
    const struct mntent *entry;
    bool found = false;

    while (mounts && !found && (entry = getmntent(mounts)))
        found = !strcmp(entry->mnt_dir, mountpoint) && !strcmp(entry->mnt_type, "fuse." FILESYSTEM);
    if (mounts)
        endmntent(mounts);
    return found;
}

static bool is_inside(const char *path, const char *folder)
{
    size_t length = strlen(folder);

    return !strncmp(path, folder, length) && (path[length] == '/' || !path[length]);
}

static int check_mountpoint(const char *given, const char *mountpoint, const char *store)
{
    DIR *folder;
    const struct dirent *entry;
    int entries = 0;

    if (is_inside(mountpoint, store) || is_inside(store, mountpoint)) {
        log_line(LOG_FATAL, "%s: mount point and store %s lie in each other; use a folder outside", given, store);
        return -EINVAL;
    }
    if (setup_is_mounted(mountpoint)) {
        log_line(LOG_FATAL, "%s: already a mapsharefs mount; unmount it first", given);
        return -EBUSY;
    }
    folder = opendir(mountpoint);
    if (!folder) {
        int error = errno;

        log_line(LOG_FATAL, "%s: not a usable mount point: %s", given, strerror(error));
        return -error;
    }
    while ((entry = readdir(folder)))
        entries += strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
    closedir(folder);
    if (entries) {
        log_line(LOG_FATAL, "%s: the mount point is not empty; use an empty folder", given);
        return -ENOTEMPTY;
    }
    return 0;
}

static int resolve(const char *given, char path[4096], const char *what)
{
    if (realpath(given, path))
        return 0;
    log_line(LOG_FATAL, "%s: %s: %s", given, what, strerror(errno));
    return -errno;
}

/* The store through a mount of our own, where the kernel marks access times by the rule of ours. Descriptors of it do not keep the
 * file system from being unmounted; those of the private folder do. */
static void own_mount(struct daemon *daemon)
{
    static const uint64_t rules[] = {
        [ATIME_RELATIVE] = MOUNT_ATTR_RELATIME, [ATIME_STRICT] = MOUNT_ATTR_STRICTATIME, [ATIME_NONE] = MOUNT_ATTR_NOATIME};
    struct mount_attr attributes = {.attr_clr = MOUNT_ATTR__ATIME | MOUNT_ATTR_NODIRATIME,
                                    .attr_set = rules[daemon->options->atime]};
    int tree = open_tree(daemon->owned[OWNED_STORE], "", AT_EMPTY_PATH | AT_RECURSIVE | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC),
        root = -1;

    if (tree >= 0 && !mount_setattr(tree, "", AT_EMPTY_PATH, &attributes, sizeof attributes))
        root = openat(tree, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root >= 0) {
        close(daemon->owned[OWNED_STORE]);
        daemon->owned[OWNED_STORE] = root;
        daemon->store_marks = true;
    } else if (daemon->options->atime != ATIME_RELATIVE) {
        log_line(LOG_WARN, "access times of folders and symbolic links follow the store's own mount: %s", strerror(errno));
    }
    if (tree >= 0)
        close(tree);
}

static int open_store(struct daemon *daemon, const char *given)
{
    daemon->owned[OWNED_STORE] = open(given, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (daemon->owned[OWNED_STORE] < 0) {
        int error = errno;

        log_line(LOG_FATAL, "%s: cannot open the store: %s", given, strerror(error));
        return -error;
    }
    if (mkdirat(daemon->owned[OWNED_STORE], MAPSHARE_PRIVATE_FOLDER, 0700) && errno != EEXIST) {
        int error = errno;

        log_line(LOG_FATAL, "%s: cannot write to the store: %s", given, strerror(error));
        return -error;
    }
    daemon->owned[OWNED_PRIVATE_FOLDER] =
        openat(daemon->owned[OWNED_STORE], MAPSHARE_PRIVATE_FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (daemon->owned[OWNED_PRIVATE_FOLDER] >= 0)
        daemon->owned[OWNED_LOCK] =
            openat(daemon->owned[OWNED_PRIVATE_FOLDER], "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (daemon->owned[OWNED_PRIVATE_FOLDER] < 0 || daemon->owned[OWNED_LOCK] < 0) {
        int error = errno;

        log_line(LOG_FATAL, "%s/%s: cannot be used: %s", given, MAPSHARE_PRIVATE_FOLDER, strerror(error));
        return -error;
    }
    own_mount(daemon);
    return 0;
}

/* A daemon that lost its mount still finishes writing: the next one waits. One that has its mount will not end by itself. */
static int take_lock(struct daemon *daemon, const char *given)
{
    char holder[4200] = {0};
    int pid = 0, at = 0;

    for (int waited = 0; flock(daemon->owned[OWNED_LOCK], LOCK_EX | LOCK_NB); waited++) {
        if (pread(daemon->owned[OWNED_LOCK], holder, sizeof holder - 1, 0) > 0 && sscanf(holder, "%d %n", &pid, &at) >= 1) {
            holder[strcspn(holder, "\n")] = 0;
            if (setup_is_mounted(holder + at)) {
                log_line(LOG_FATAL, "%s: already mounted on %s by process %d; unmount that first", given, holder + at, pid);
                return -EBUSY;
            }
        }
        if (waited == LOCK_WAIT_SECONDS * 50) {
            log_line(LOG_FATAL, "%s: in use by process %d, which has not finished within %d seconds", given, pid,
                     LOCK_WAIT_SECONDS);
            return -EBUSY;
        }
        if (waited == 50)
            log_line(LOG_NOTE, "%s: waiting for the daemon that had it mounted to finish", given);
        usleep(20000);
    }
    return 0;
}

/* For whoever waits for the lock. */
static int sign_lock(const struct daemon *daemon)
{
    if (!ftruncate(daemon->owned[OWNED_LOCK], 0) &&
        dprintf(daemon->owned[OWNED_LOCK], "%d %s\n", getpid(), daemon->options->mountpoint) > 0)
        return 0;
    log_line(LOG_FATAL, "%s: cannot write to the store: %s", daemon->options->store, strerror(errno));
    return -errno;
}

static int choose_sizes(struct options *options, const struct daemon *daemon)
{
    struct sysinfo system;
    struct statvfs stat;
    struct stat journal;
    uint64_t memory;

    if (sysinfo(&system) || fstatvfs(daemon->owned[OWNED_STORE], &stat))
        return -errno;
    memory = (uint64_t)system.totalram * system.mem_unit;
    if (!options->cache_size) {
        options->cache_size = memory / 8 < CACHE_DEFAULT_MAX ? memory / 8 : CACHE_DEFAULT_MAX;
        if (options->cache_size < CACHE_DEFAULT_MIN)
            options->cache_size = CACHE_DEFAULT_MIN;
    }
    if (options->cache_size > memory / 4 * 3) {
        log_line(LOG_FATAL, "cache_size=%" PRIu64 "M: more than three quarters of this machine's memory; give less",
                 options->cache_size / MIB);
        return -ENOMEM;
    }
    if (options->cache_size < options->threads * 2 * WRITE_MAX) {
        log_line(LOG_FATAL, "cache_size=%" PRIu64 "M: too little for %" PRIu64 " threads; give at least 2M for each",
                 options->cache_size / MIB, options->threads);
        return -EINVAL;
    }
    if (!options->journal_size) {
        uint64_t room = stat.f_bavail * stat.f_frsize / 4;

        options->journal_size = JOURNAL_DEFAULT;
        if (!fstatat(daemon->owned[OWNED_PRIVATE_FOLDER], "journal", &journal, AT_SYMLINK_NOFOLLOW))
            options->journal_size = journal.st_size;
        else if (room < JOURNAL_DEFAULT)
            options->journal_size = (room > JOURNAL_MIN ? room : JOURNAL_MIN) / MIB * MIB;
    }
    return 0;
}

static void tell(const char *path, const char *text)
{
    log_line(LOG_WARN, "%s: %s", path ? path : "recovery", text);
}

static int recover(const struct daemon *daemon, const char *given)
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
    return error;
}

/* Without a name from the start: it goes with the last process that has it open. */
static int open_spill(const struct daemon *daemon)
{
    int fd = openat(daemon->owned[OWNED_PRIVATE_FOLDER], ".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);

    if (fd < 0) {
        fd = openat(daemon->owned[OWNED_PRIVATE_FOLDER], "spill", O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd >= 0)
            unlinkat(daemon->owned[OWNED_PRIVATE_FOLDER], "spill", 0);
    }
    return fd;
}

/* The largest file that the store takes: nothing tells but trying. */
static uint64_t find_size_max(int fd)
{
    uint64_t works = 0, fails = (uint64_t)INT64_MAX + 1;

    if (!ftruncate(fd, INT64_MAX))
        works = INT64_MAX;
    while (fails - works > 1) {
        uint64_t middle = works + (fails - works) / 2;

        if (ftruncate(fd, middle))
            fails = middle;
        else
            works = middle;
    }
    return works;
}

static int make_arena(struct daemon *daemon, const struct options *options)
{
    uint64_t spill = options->cache_size * SPILL_FACTOR, size_max = INT64_MAX;
    int error;

    daemon->owned[OWNED_SPILL] = open_spill(daemon);
    if (daemon->owned[OWNED_SPILL] >= 0)
        size_max = find_size_max(daemon->owned[OWNED_SPILL]);
    if (daemon->owned[OWNED_SPILL] >= 0 && ftruncate(daemon->owned[OWNED_SPILL], spill)) {
        close(daemon->owned[OWNED_SPILL]);
        daemon->owned[OWNED_SPILL] = -1;
    }
    if (daemon->owned[OWNED_SPILL] < 0)
        log_line(LOG_NOTE, "no spill file: %s; changes are limited to cache_size", strerror(errno));
    error = arena_create(&daemon->arena, options->cache_size, spill, daemon->owned[OWNED_SPILL]);
    if (error)
        log_line(LOG_FATAL, "cache_size=%" PRIu64 "M: no memory: %s", options->cache_size / MIB, strerror(-error));
    else
        daemon->arena.header->size_max = size_max;
    return error;
}

static int check_device(void)
{
    int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

    if (fd < 0) {
        int error = errno;

        log_line(LOG_FATAL, "/dev/fuse: %s; load the kernel's fuse module (modprobe fuse)", strerror(error));
        return -error;
    }
    close(fd);
    return 0;
}

int setup_daemon(struct daemon *daemon, struct options *options, char store[4096], char mountpoint[4096])
{
    int error, channel[2];

    daemon->options = options;
    error = check_device();
    if (!error)
        error = resolve(options->store, store, "the store");
    if (!error)
        error = resolve(options->mountpoint, mountpoint, "the mount point");
    if (!error)
        error = check_mountpoint(options->mountpoint, mountpoint, store);
    if (!error)
        error = open_store(daemon, options->store);
    if (!error)
        error = take_lock(daemon, options->store);
    if (!error)
        error = choose_sizes(options, daemon);
    if (!error)
        error = recover(daemon, options->store);
    if (!error)
        error = make_arena(daemon, options);
    if (!error && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel))
        error = -errno;
    if (!error) {
        daemon->owned[OWNED_WORKER_END] = channel[0];
        daemon->owned[OWNED_PROBE_END] = channel[1];
    }
    options->store = store;
    options->mountpoint = mountpoint;
    return error;
}

/* Commas and backslashes in the store's name must not end the option. */
static void escape(char *to, size_t max, const char *from)
{
    size_t at = 0;

    for (; *from && at + 3 < max; from++) {
        if (*from == ',' || *from == '\\')
            to[at++] = '\\';
        to[at++] = *from;
    }
    to[at] = 0;
}

int setup_mount(struct daemon *daemon)
{
    const struct options *options = daemon->options;
    static const struct fuse_lowlevel_ops nothing; /* this session only mounts; workers make their own */
    char name[4200], list[8192];
    char program[] = FILESYSTEM, option[] = "-o";
    char *argv[] = {program, option, list, NULL};
    struct fuse_args args = FUSE_ARGS_INIT(3, argv);
    int error = sign_lock(daemon);

    if (error)
        return error;
    escape(name, sizeof name, options->store);
    snprintf(list, sizeof list, "fsname=%s,subtype=%s,default_permissions%s%s%s", name, FILESYSTEM,
             options->allow_other ? ",allow_other" : "", options->kernel_options[0] ? "," : "", options->kernel_options);
    daemon->mounted = fuse_session_new(&args, &nothing, sizeof nothing, NULL);
    fuse_opt_free_args(&args);
    if (!daemon->mounted || fuse_session_mount(daemon->mounted, options->mountpoint)) {
        log_line(LOG_FATAL,
                 "%s: cannot be mounted; for ordinary users fusermount3 must be installed, and allow_other needs user_allow_other "
                 "in /etc/fuse.conf",
                 options->mountpoint);
        return -EPERM;
    }
    daemon->owned[OWNED_SESSION] = fuse_session_fd(daemon->mounted);
    return 0;
}

int setup_remount(const struct options *options)
{
    static const struct {
        const char *name;
        unsigned long flag;
    } flags[] = {{"ro", MS_RDONLY},     {"nosuid", MS_NOSUID},    {"nodev", MS_NODEV},
                 {"noexec", MS_NOEXEC}, {"sync", MS_SYNCHRONOUS}, {"dirsync", MS_DIRSYNC}};
    char mountpoint[4096], copy[sizeof options->kernel_options], *save, *name;
    unsigned long all = MS_REMOUNT;
    int error = resolve(options->mountpoint, mountpoint, "the mount point");

    if (error)
        return error;
    if (!setup_is_mounted(mountpoint)) {
        log_line(LOG_FATAL, "%s: not a mapsharefs mount; remount changes one that is", options->mountpoint);
        return -EINVAL;
    }
    strcpy(copy, options->kernel_options);
    for (name = strtok_r(copy, ",", &save); name; name = strtok_r(NULL, ",", &save)) {
        for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
            all |= strcmp(name, flags[i].name) ? 0 : flags[i].flag;
    }
    if (!mount(options->store, mountpoint, "fuse." FILESYSTEM, all, NULL))
        return 0;
    error = errno;
    log_line(LOG_FATAL, "%s: cannot be remounted: %s", options->mountpoint, strerror(error));
    return -error;
}

static bool set_limit(dev_t device, const char *name, const char *value)
{
    char path[128];
    bool done;
    int fd;

    snprintf(path, sizeof path, "/sys/class/bdi/%u:%u/%s", major(device), minor(device), name);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    done = fd >= 0 && write(fd, value, strlen(value)) > 0;
    if (fd >= 0)
        close(fd);
    return done;
}

/* KiB that the kernel reads in front of a client: as the store's disk has it, within bounds. */
static unsigned read_ahead(int store)
{
    static const char *const places[] = {"bdi", "../bdi"}; /* of a disk, of a partition */
    unsigned kilobytes = 0;
    struct stat stat;
    char path[128];

    for (size_t i = 0; i < 2 && !kilobytes && !fstat(store, &stat); i++) {
        FILE *file;

        snprintf(path, sizeof path, "/sys/dev/block/%u:%u/%s/read_ahead_kb", major(stat.st_dev), minor(stat.st_dev), places[i]);
        file = fopen(path, "r");
        if (file && fscanf(file, "%u", &kilobytes) != 1)
            kilobytes = 0;
        if (file)
            fclose(file);
    }
    return kilobytes < READ_AHEAD_MIN ? READ_AHEAD_MIN : kilobytes > READ_AHEAD_MAX ? READ_AHEAD_MAX : kilobytes;
}

static void tune(const char *mountpoint, int store)
{
    FILE *mounts = fopen("/proc/self/mountinfo", "r");
    char line[8192], where[4096], ahead[16];
    unsigned high, low;
    dev_t device = 0;

    /* Not stat(2): the mount's own answers come from the worker. */
    while (mounts && fgets(line, sizeof line, mounts)) {
        if (sscanf(line, "%*d %*d %u:%u %*s %4095s", &high, &low, where) == 3 && !strcmp(where, mountpoint))
            device = makedev(high, low);
    }
    if (mounts)
        fclose(mounts);
    snprintf(ahead, sizeof ahead, "%u", read_ahead(store));
    if (!device || !set_limit(device, "strict_limit", "0") || !set_limit(device, "max_ratio", "100") ||
        !set_limit(device, "read_ahead_kb", ahead))
        log_line(LOG_NOTE,
                 "the kernel's limits for this mount stay low (only root may raise them): large bursts of stores are slowed down");
}

/* In a child with a table of descriptors of its own: a worker that starts meanwhile would close what is open here. */
void setup_tune(const struct daemon *daemon)
{
    if (daemon->options->no_tune || fork())
        return;
    tune(daemon->options->mountpoint, daemon->owned[OWNED_STORE]);
    _exit(0);
}
