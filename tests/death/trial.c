/* Makes a mount for each trial, so that each stands alone and can be repeated alone. */
#include "config.h"

#include "trial.h"

#include <linux/capability.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/vfs.h>

#include "../mount/check.h"
#include "content.h"
#include "tree.h"

#define OPTIONS "commit_interval=600,threads=2,max_restarts=1000000,journal_size=16M,cache_size=64M,no_tune,allow_other"
#define HANG_SECONDS 100 /* far more than a trial takes: whoever waits then is freed by the daemon's end */
#define CHILDREN_MAX 16
#define QUIET_SECONDS 0.01

static char store[PAGE], mountpoint[PAGE], plain[PAGE], control_path[PAGE], log_path[PAGE];
static struct death_control *control;

__attribute__((format(printf, 2, 3))) static void wrong(struct outcome *outcome, const char *format, ...)
{
    va_list arguments;

    if (!outcome->right)
        return; /* the first counts */
    outcome->right = false;
    va_start(arguments, format);
    vsnprintf(outcome->why, sizeof outcome->why, format, arguments);
    va_end(arguments);
}

static void set_up(const char *folder)
{
    static struct {
        char *path;
        const char *name;
    } const parts[] = {{store, "store"}, {mountpoint, "mount"}, {plain, "plain"}};
    int fd;

    for (size_t i = 0; i < 3; i++) {
        snprintf(parts[i].path, PAGE, "%s/%s", folder, parts[i].name);
        tree_remove(parts[i].path);
        CHECK(mkdir(parts[i].path, 0755) == 0);
    }
    make_bystanders(store);
    make_bystanders(plain);
    snprintf(log_path, PAGE, "%s/trial.log", folder);
    snprintf(control_path, PAGE, "%s/points", folder);
    fd = open(control_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && ftruncate(fd, sizeof *control) == 0);
    if (!control)
        control = map_shared(fd, sizeof *control);
    close(fd);
    memset(control, 0, sizeof *control);
}

static uint64_t statistic(const char *name)
{
    char text[4096], key[64], *line;
    ssize_t size = getxattr(mountpoint, "user.mapshare.stats", text, sizeof text - 1);

    if (size < 0)
        return 0;
    text[size] = '\0';
    snprintf(key, sizeof key, "%s=", name);
    line = strstr(text, key);
    return line ? strtoull(line + strlen(key), NULL, 10) : 0;
}

static pid_t start_daemon(const char *daemon, const struct trial *trial)
{
    const struct operation *operation = trial->operation;
    char options[512];
    struct statfs status;
    pid_t keeper;

    snprintf(options, sizeof options, OPTIONS "%s%s", operation->options ? "," : "", operation->options ? operation->options : "");
    keeper = fork();
    CHECK(keeper >= 0);
    if (keeper == 0) {
        int log = open(log_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

        prctl(PR_SET_PDEATHSIG, SIGTERM); /* it unmounts */
        dup2(log, STDERR_FILENO);
        close(log);
        if (trial->without_handles)
            prctl(PR_CAPBSET_DROP, CAP_DAC_READ_SEARCH);
        if (operation->descriptors)
            setrlimit(RLIMIT_NOFILE, &(struct rlimit){operation->descriptors, operation->descriptors});
        setenv(POINTS_VARIABLE, control_path, 1);
        execl(daemon, daemon, "-f", "-o", options, store, mountpoint, (char *)NULL);
        _exit(127);
    }
    do {
        CHECK(waitpid(keeper, NULL, WNOHANG) == 0, "%s -o %s does not start: see %s", daemon, options, log_path);
        usleep(500);
    } while (statfs(mountpoint, &status) || status.f_type != FUSE_SUPER_MAGIC || !statistic("worker_pid"));
    return keeper;
}

/* The keeper and its children. */
static void kill_processes(pid_t keeper)
{
    pid_t pids[CHILDREN_MAX] = {keeper};
    char path[64];
    size_t count = 1;
    FILE *children;

    kill(keeper, SIGSTOP); /* it makes none meanwhile; and it goes last, so that nobody stands by */
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", keeper, keeper);
    children = fopen(path, "re");
    while (children && count < CHILDREN_MAX && fscanf(children, "%d", &pids[count]) == 1)
        count++;
    if (children)
        fclose(children);
    while (count)
        kill(pids[--count], SIGKILL);
}

/* Waiting for a mount cannot be ended by a signal to the one who waits. */
static pid_t start_watchdog(pid_t keeper)
{
    pid_t child = fork();

    CHECK(child >= 0);
    if (child)
        return child;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sleep(HANG_SECONDS);
    fprintf(stderr, "a trial does not end: its daemon is killed\n");
    kill_processes(keeper);
    _exit(0);
}

static void arm(const struct trial *trial)
{
    memcpy(control->die_at, trial->die_at, sizeof control->die_at);
    control->count = 0;
    control->armed = 1;
}

/* The operation, by a process of its own in the folder. */
static pid_t start_client(const struct trial *trial, const char *folder, bool on_mount)
{
    const struct operation *operation = trial->operation;
    pid_t client = fork();

    CHECK(client >= 0);
    if (client)
        return client;
    CHECK(chdir(folder) == 0);
    umask(0);
    place = (struct place){.on_mount = on_mount, .mountpoint = folder, .worker = on_mount ? (pid_t)statistic("worker_pid") : 0};
    operation->prepare();
    if (on_mount && !operation->at_unmount)
        arm(trial);
    operation->operate();
    _exit(0);
}

static bool client_succeeds(pid_t client)
{
    int status;

    return waitpid(client, &status, 0) == client && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Closing and forgetting come to the daemon after the client is gone. */
static void wait_until_quiet(void)
{
    uint64_t seen;

    do {
        seen = control->count + control->deaths;
        usleep((useconds_t)(QUIET_SECONDS * 1e6));
    } while (seen != control->count + control->deaths);
}

static void disarm(struct outcome *outcome)
{
    control->armed = 0;
    outcome->points = control->count;
    outcome->deaths = control->deaths;
    memcpy(outcome->died, control->died, sizeof outcome->died);
}

/* What a keeper leaves behind becomes our child. */
static void reap_all(void)
{
    while (waitpid(-1, NULL, __WALL) > 0)
        ;
}

static void end_by_crash(pid_t keeper, struct outcome *outcome)
{
    const char *tool = getenv("MAPSHARE") ? getenv("MAPSHARE") : "mapshare";
    pid_t child;

    kill_processes(keeper);
    umount2(mountpoint, MNT_DETACH);
    reap_all();
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        int log = open(log_path, O_WRONLY | O_APPEND);

        dup2(log, STDOUT_FILENO);
        dup2(log, STDERR_FILENO);
        execlp(tool, tool, "recover", store, (char *)NULL);
        _exit(127);
    }
    if (!client_succeeds(child))
        wrong(outcome, "the store does not recover: see %s", log_path);
}

static void end_by_unmount(const struct trial *trial, pid_t keeper, struct outcome *outcome)
{
    int status = 0;

    if (trial->operation->at_unmount)
        arm(trial);
    if (umount2(mountpoint, 0))
        wrong(outcome, "unmounting fails: %s", strerror(errno));
    if (!outcome->right)
        kill_processes(keeper);
    if (waitpid(keeper, &status, 0) != keeper || !WIFEXITED(status) || WEXITSTATUS(status))
        wrong(outcome, "the daemon ends with status %#x", status);
    if (trial->operation->at_unmount)
        disarm(outcome);
}

/* What a daemon may say whose worker was killed; how its mount ended, its exit status tells. */
static bool is_expected(const char *line)
{
    static const char *const texts[] = {
        " is mounted on ",
        " is unmounted from ",
        "was ended by signal 9 (Killed); the next one takes over",
        "a dead worker left half made or half ended are dropped",
        "cache_size is used up",
    };

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (strstr(line, texts[i]))
            return true;
    }
    return strncmp(line, "mapsharefs: ", strlen("mapsharefs: ")) != 0; /* what `mapshare recover` says */
}

static void check_log(struct outcome *outcome)
{
    char line[512];
    FILE *log = fopen(log_path, "re");

    CHECK(log);
    while (fgets(line, sizeof line, log)) {
        line[strcspn(line, "\n")] = '\0';
        if (!is_expected(line))
            wrong(outcome, "the daemon says: %s", line);
    }
    fclose(log);
}

void trial_run(const struct trial *trial, const char *daemon, const char *folder, struct outcome *outcome)
{
    char why[sizeof outcome->why];
    pid_t keeper, watchdog;

    CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
    *outcome = (struct outcome){.right = true};
    set_up(folder);
    keeper = start_daemon(daemon, trial);
    watchdog = start_watchdog(keeper);
    CHECK(client_succeeds(start_client(trial, plain, false)), "%s fails on the plain folder", trial->operation->name);
    if (!client_succeeds(start_client(trial, mountpoint, true)))
        wrong(outcome, "the client sees an error");
    if (!trial->operation->at_unmount) {
        wait_until_quiet();
        disarm(outcome);
    }
    if (outcome->right && !trial->operation->at_unmount && !tree_same(mountpoint, plain, why, sizeof why))
        wrong(outcome, "mounted: %s", why);
    if (outcome->right && trial->ending == BY_CRASH) {
        kill(watchdog, SIGKILL);
        end_by_crash(keeper, outcome);
    } else {
        end_by_unmount(trial, keeper, outcome);
        kill(watchdog, SIGKILL);
        reap_all();
    }
    if (outcome->right && !tree_same(store, plain, why, sizeof why))
        wrong(outcome, "%s: %s", trial->ending == BY_CRASH ? "recovered" : "unmounted", why);
    check_log(outcome);
}
