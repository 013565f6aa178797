/* What the daemon does for a backup, step by step: backup-steps MOUNT STORE. */
#include "config.h"

#include <mapshare-abi.h>

#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "check.h"

static const char *mount_point, *store;
static int written; /* open all the while: looking its name up would wait for who changes its folder */

static int step(int root, struct mapshare_abi_backup *backup)
{
    return ioctl(root, MAPSHARE_IOC_BACKUP, backup) ? -errno : 0;
}

static int do_step(int root, uint32_t what)
{
    return step(root, &(struct mapshare_abi_backup){.step = what, .seconds = 5});
}

static int begin(int root)
{
    int error;

    while ((error = do_step(root, MAPSHARE_ABI_BACKUP_BEGIN)) == -EAGAIN)
        usleep(1000);
    return error;
}

static void freeze(int root, uint32_t seconds)
{
    struct mapshare_abi_backup backup = {.step = MAPSHARE_ABI_BACKUP_FREEZE, .seconds = seconds};

    do
        CHECK(step(root, &backup) == 0);
    while (!backup.quiet);
}

static int open_root(void)
{
    int root = open(mount_point, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    CHECK(root >= 0);
    return root;
}

static const char *path(const char *folder, const char *name)
{
    static char paths[2][4096];
    static int next;

    next ^= 1;
    snprintf(paths[next], sizeof paths[0], "%s/%s", folder, name);
    return paths[next];
}

/* Contents are committed meanwhile. */
static void commit(void)
{
    for (uint64_t i = 0; i < 20; i++)
        CHECK(pwrite(written, &i, sizeof i, 0) == sizeof i && fsync(written) == 0);
}

static bool is_in_mkdir(pid_t pid)
{
    char name[64], text[16] = "";
    int fd;

    snprintf(name, sizeof name, "/proc/%d/syscall", (int)pid);
    fd = open(name, O_RDONLY);
    CHECK(fd >= 0 && read(fd, text, sizeof text - 1) >= 0);
    close(fd);
    return atoi(text) == SYS_mkdir;
}

/* A process that makes a folder, and waits. */
static pid_t start_waiting(const char *name)
{
    pid_t pid = fork();

    CHECK(pid >= 0);
    if (pid == 0) {
        closefrom(3); /* the root is closed when we close it */
        CHECK(syscall(SYS_mkdir, path(mount_point, name), 0750) == 0, "%s", name);
        _exit(0);
    }
    while (!is_in_mkdir(pid))
        usleep(1000);
    commit();
    CHECK(waitpid(pid, NULL, WNOHANG) == 0 && access(path(store, name), F_OK) < 0, "%s is made while names are frozen", name);
    return pid;
}

static void check_made(pid_t pid, const char *name)
{
    struct stat status;
    int how;

    CHECK(waitpid(pid, &how, 0) == pid && WIFEXITED(how) && WEXITSTATUS(how) == 0, "%s", name);
    CHECK(stat(path(store, name), &status) == 0 && (status.st_mode & 07777) == 0750, "%s", name);
}

static int statistic(const char *key)
{
    char text[16384];
    ssize_t n = getxattr(mount_point, "user.mapshare.stats", text, sizeof text - 1);
    const char *at;

    CHECK(n > 0);
    text[n] = '\0';
    at = strstr(text, key);
    CHECK(at, "%s", key);
    return atoi(at + strlen(key));
}

/* What was checkpointed stays in the journal until it was read, whoever dies. */
static void keep_journal(void)
{
    int root = open_root();
    struct mapshare_abi_backup backup = {.step = MAPSHARE_ABI_BACKUP_READ}, now;
    uint64_t tail;

    CHECK(begin(root) == 0);
    backup.step = MAPSHARE_ABI_BACKUP_BEGIN;
    CHECK(step(root, &backup) == 0);
    tail = backup.tail;
    for (int i = 0; i < 2; i++) { /* the second round begins when the first one's end was told */
        commit();
        while (statistic("frames_committed=") > 0)
            usleep(1000);
        if (i == 0)
            CHECK(kill(statistic("worker_pid="), SIGKILL) == 0);
    }
    now = (struct mapshare_abi_backup){.step = MAPSHARE_ABI_BACKUP_READ, .head = tail};
    CHECK(step(root, &now) == 0 && now.tail == tail && now.head > tail, "the journal is not kept");
    while (now.tail < now.head)
        CHECK(step(root, &now) == 0);
    close(root);
}

static void one_at_a_time(void)
{
    int root = open_root(), other = open_root();
    struct mapshare_abi_backup beyond = {.step = MAPSHARE_ABI_BACKUP_READ, .head = UINT64_MAX / 2};

    CHECK(begin(root) == 0 && begin(root) == 0);
    CHECK(do_step(other, MAPSHARE_ABI_BACKUP_BEGIN) == -EBUSY);
    CHECK(do_step(other, MAPSHARE_ABI_BACKUP_READ) == -ESTALE);
    CHECK(step(root, &beyond) == -EINVAL && do_step(root, 99) == -EINVAL);
    CHECK(step(root, &(struct mapshare_abi_backup){.step = MAPSHARE_ABI_BACKUP_FREEZE, .seconds = 11}) == -EINVAL);
    CHECK(do_step(root, MAPSHARE_ABI_BACKUP_THAW) == -ESTALE);
    freeze(root, 5);
    CHECK(do_step(other, MAPSHARE_ABI_BACKUP_FREEZE) == -EBUSY && do_step(other, MAPSHARE_ABI_BACKUP_THAW) == -ESTALE);
    CHECK(do_step(root, MAPSHARE_ABI_BACKUP_THAW) == 0);
    close(root);
    while (begin(other) == -EBUSY) /* until the kernel has told */
        usleep(1000);
    close(other);
}

int main(int argc, char **argv)
{
    struct mapshare_abi_backup backup = {.step = MAPSHARE_ABI_BACKUP_THAW};
    int root;
    pid_t pid;

    CHECK(argc == 3);
    mount_point = argv[1];
    store = argv[2];
    written = make_file(path(mount_point, "written"), PAGE);
    one_at_a_time();
    keep_journal();

    root = open_root();
    freeze(root, 10);
    pid = start_waiting("until-thawed");
    CHECK(step(root, &backup) == 0 && backup.sequence > 0);
    check_made(pid, "until-thawed");

    freeze(root, 10);
    pid = start_waiting("until-closed");
    close(root);
    check_made(pid, "until-closed");

    root = open_root();
    CHECK(begin(root) == 0);
    freeze(root, 10);
    pid = start_waiting("until-a-death");
    CHECK(kill(statistic("worker_pid="), SIGKILL) == 0);
    check_made(pid, "until-a-death");
    CHECK(do_step(root, MAPSHARE_ABI_BACKUP_THAW) == -ESTALE);
    CHECK(do_step(root, MAPSHARE_ABI_BACKUP_READ) == -EINVAL, "the journal is not kept any more"); /* position 0 is none */

    freeze(root, 1);
    pid = start_waiting("no-longer-than-it-may");
    check_made(pid, "no-longer-than-it-may");
    CHECK(do_step(root, MAPSHARE_ABI_BACKUP_THAW) == -ESTALE);
    close(root);
    return 0;
}
