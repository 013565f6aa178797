#include "config.h"

#include "sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"
#include "sandbox/capabilities.h"
#include "sandbox/filter.h"

/* A file server for all users. No SYS_RESOURCE: quotas and what is reserved for root are not ours to pass. */
#define SERVE                                                                                                          \
    (CAPABILITY(CAP_CHOWN) | CAPABILITY(CAP_DAC_OVERRIDE) | CAPABILITY(CAP_DAC_READ_SEARCH) | CAPABILITY(CAP_FOWNER) | \
     CAPABILITY(CAP_FSETID) | CAPABILITY(CAP_SETGID) | CAPABILITY(CAP_SETUID) | CAPABILITY(CAP_MKNOD) | CAPABILITY(CAP_SETFCAP))
/* Until its rings are made: their memory counts as locked. */
#define START CAPABILITY(CAP_IPC_LOCK)
#define PROBE (CAPABILITY(CAP_DAC_READ_SEARCH) | CAPABILITY(CAP_FOWNER))
/* It also unmounts, and its children enter the room and give things up. */
#define KEEP (SERVE | CAPABILITY(CAP_SYS_ADMIN) | CAPABILITY(CAP_SYS_CHROOT) | CAPABILITY(CAP_SETPCAP) | START)

static bool off = SANITIZED;
static uint64_t trusted_needs;
static int room = -1;
static char missing[256];

void sandbox_choose(bool none, bool trusted)
{
    if (SANITIZED && !none)
        log_line(LOG_NOTE, "built with sanitizers: sandbox=none");
    off = none || SANITIZED;
    trusted_needs = trusted ? CAPABILITY(CAP_SYS_ADMIN) | CAPABILITY(CAP_LINUX_IMMUTABLE) : 0;
}

void sandbox_miss(const char *what, int error)
{
    size_t used = strlen(missing);

    if (error)
        snprintf(missing + used, sizeof missing - used, "%s%s (%s)", used ? ", " : "", what, strerror(-error));
}

const char *sandbox_missing(void)
{
    return missing[0] && !off ? missing : NULL;
}

/* ---- the room ---- */

/* Processes only: no settings of the kernel. */
static int mount_proc(void)
{
    int context = fsopen("proc", FSOPEN_CLOEXEC), tree, error = 0;

    if (context < 0 || fsconfig(context, FSCONFIG_SET_STRING, "subset", "pid", 0) ||
        fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
        return -errno;
    tree = fsmount(context, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
    if (tree < 0 || move_mount(tree, "", AT_FDCWD, "proc", MOVE_MOUNT_F_EMPTY_PATH))
        error = -errno;
    close(tree);
    close(context);
    return error;
}

/* An empty root, above the old one, which is then taken away with all that is mounted in it. */
static int build_room(void)
{
    static const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
    int error;

    if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
        mount("none", "/proc", "tmpfs", flags, "size=64k,mode=755") || chdir("/proc") || mkdir("proc", 0555))
        return -errno;
    error = mount_proc();
    if (!error && (mount(NULL, ".", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | flags, NULL) || syscall(SYS_pivot_root, ".", ".") ||
                   umount2(".", MNT_DETACH)))
        error = -errno;
    return error;
}

/* A process builds it and stops; its namespace is then ours to keep. */
int sandbox_make_room(void)
{
    char path[64];
    pid_t builder;
    int status, error = 0;

    if (off)
        return -1;
    if (geteuid()) {
        sandbox_miss("namespaces and an empty root", -EPERM);
        return -1;
    }
    if (unshare(CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS))
        sandbox_miss("namespaces", -errno);
    builder = fork();
    if (!builder) {
        error = build_room();
        if (!error)
            raise(SIGSTOP);
        _exit(-error);
    }
    if (builder < 0 || waitpid(builder, &status, WUNTRACED) < 0) {
        error = -errno;
    } else if (!WIFSTOPPED(status)) {
        error = WIFEXITED(status) && WEXITSTATUS(status) ? -WEXITSTATUS(status) : -ECHILD;
    } else {
        snprintf(path, sizeof path, "/proc/%d/ns/mnt", builder);
        room = open(path, O_RDONLY | O_CLOEXEC);
        error = room < 0 ? -errno : 0;
        kill(builder, SIGKILL);
        waitpid(builder, NULL, 0);
    }
    sandbox_miss("an empty root", error);
    return room;
}

void sandbox_adopt_room(int descriptor)
{
    room = descriptor;
}

void sandbox_before_execution(void)
{
    if (!off && !geteuid())
        capabilities_hand_on();
}

/* ---- each process ---- */

struct landlock_rules { /* older headers do not know all */
    uint64_t files, network, scopes;
};

/* No other process's root, folder or descriptors by way of /proc, whoever owns it; no TCP. Rules for files are not for us: a file
 * opened by handle, whose name is not known yet, would be refused. */
static int restrict_reach(void)
{
    struct landlock_rules rules = {.network = 3};
    int fd = syscall(SYS_landlock_create_ruleset, &rules, offsetof(struct landlock_rules, scopes), 0), error = 0;

    if (fd < 0)
        return -errno;
    if (syscall(SYS_landlock_restrict_self, fd, 0))
        error = -errno;
    close(fd);
    return error;
}

static bool serves(enum sandbox_role role)
{
    return role == SANDBOX_WORKER || role == SANDBOX_RECOVERY;
}

static uint64_t capabilities_of(enum sandbox_role role)
{
    static const uint64_t sets[] = {
        [SANDBOX_KEEPER] = KEEP, [SANDBOX_WORKER] = SERVE, [SANDBOX_PROBE] = PROBE, [SANDBOX_RECOVERY] = SERVE};

    return sets[role] | (role == SANDBOX_KEEPER || role == SANDBOX_WORKER ? trusted_needs : 0);
}

void sandbox_enter(enum sandbox_role role)
{
    if (off)
        return;
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    if (serves(role) && room >= 0 && setns(room, CLONE_NEWNS))
        sandbox_miss("an empty root", -errno);
    if (!geteuid())
        sandbox_miss("capabilities", capabilities_keep(capabilities_of(role), role == SANDBOX_WORKER ? START : 0));
    if (role == SANDBOX_KEEPER)
        return; /* an ordinary user's executes fusermount3, which is set-user-ID */
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        sandbox_miss("no_new_privs", -errno);
    sandbox_miss("Landlock", restrict_reach());
}

void sandbox_filter(enum sandbox_role role)
{
    if (!off && role == SANDBOX_WORKER)
        log_ask(getppid()); /* it makes no connections, and has no names */
    if (!off && role == SANDBOX_WORKER && !geteuid())
        sandbox_miss("capabilities", capabilities_drop_others(capabilities_of(role)));
    if (role == SANDBOX_KEEPER && prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == SECCOMP_MODE_FILTER)
        return; /* the program's that ran before: they would pile up */
    if (!off && (role != SANDBOX_KEEPER || !geteuid()))
        sandbox_miss("seccomp", filter_install(role));
}
