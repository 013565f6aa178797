/* What a worker can do that somebody took over: nothing of this, though each of these works for root without the sandbox. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/sandbox.h"
#include "store/store.h"

#define NOBODY 65534
#define SKIPPED 77

static pid_t other; /* an ordinary user's process */
static void *page;  /* that can be written */

static bool opens(const char *path, int flags)
{
    return open(path, flags | O_CLOEXEC) >= 0;
}

static bool read_a_file(void)
{
    return opens("/etc/passwd", O_RDONLY);
}

static bool leave_by_the_parent(void)
{
    return !chdir("../../../../../../../../../../../../../../../../../../../../../../../..") && opens("etc/passwd", O_RDONLY);
}

static bool read_by_way_of_another_process(void)
{
    char path[64];

    setfsuid(NOBODY);
    snprintf(path, sizeof path, "/proc/%d/root/etc/passwd", other);
    return opens(path, O_RDONLY);
}

static bool change_the_kernels_settings(void)
{
    return opens("/proc/sys/kernel/core_pattern", O_WRONLY);
}

static bool make_a_file_in_the_root(void)
{
    char name[] = "/mapshare-sandbox-XXXXXX";
    int fd = mkstemp(name);

    if (fd >= 0)
        unlink(name);
    return fd >= 0;
}

static bool execute(void)
{
    execl("/bin/sh", "sh", "-c", "exit 1", (char *)NULL);
    return false;
}

static bool start_a_process(void)
{
    pid_t pid = fork();

    if (!pid)
        _exit(0);
    return pid > 0;
}

static bool map_code(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}

static bool make_code(void)
{
    return !mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

static bool use_the_network(void)
{
    return socket(AF_INET, SOCK_STREAM, 0) >= 0;
}

static bool use_a_local_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM, 0) >= 0;
}

static bool mount_something(void)
{
    return !unshare(CLONE_NEWNS) && !mount("none", "/proc", "tmpfs", 0, NULL);
}

static bool make_a_user_namespace(void)
{
    return !unshare(CLONE_NEWUSER);
}

static bool trace(void)
{
    return !ptrace(PTRACE_SEIZE, other, 0, 0);
}

static bool read_memory(void)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/mem", other);
    return opens(path, O_RDONLY);
}

static bool signal_another_process(void)
{
    return !kill(other, 0);
}

static bool make_a_ring(void)
{
    struct io_uring_params parameters = {0};

    return syscall(SYS_io_uring_setup, 1, &parameters) >= 0;
}

static bool get_root_back(void)
{
    return !setuid(NOBODY) && !setuid(0);
}

static bool make_a_device_of_memory(void)
{
    return opens("/dev/mem", O_RDONLY);
}

static const struct attempt {
    const char *name;
    bool (*does)(void);
    bool anywhere;    /* without the sandbox it works on every machine */
    bool filter_only; /* nothing else forbids it */
} attempts[] = {
    {"read a file", read_a_file, true, false},
    {"leave the root by its parent", leave_by_the_parent, true, false},
    {"read by way of another process", read_by_way_of_another_process, true, false},
    {"change the kernel's settings", change_the_kernels_settings, true, false},
    {"make a file in the root", make_a_file_in_the_root, true, false},
    {"open the machine's memory", make_a_device_of_memory, false, false},
    {"execute", execute, true, false},
    {"read another process's memory", read_memory, true, false},
    {"trace another process", trace, false, false},
    {"mount", mount_something, true, false},
    {"start a process", start_a_process, true, true},
    {"map code", map_code, true, true},
    {"make code of data", make_code, true, true},
    {"use the network", use_the_network, true, true},
    {"use a local socket", use_a_local_socket, true, true},
    {"make a user namespace", make_a_user_namespace, false, true},
    {"signal another process", signal_another_process, true, true},
    {"make a ring", make_a_ring, false, true},
    {"get root back", get_root_back, false, true},
};

enum confined { FREE, WITHOUT_FILTER, ALL };

/* True when it worked. */
static bool attempt(const struct attempt *what, enum confined how)
{
    pid_t pid;
    int status;

    fflush(NULL);
    pid = fork();
    if (!pid) {
        if (how != FREE)
            sandbox_enter(SANDBOX_WORKER);
        if (how == ALL)
            sandbox_filter(SANDBOX_WORKER);
        if (how != FREE && sandbox_missing())
            _exit(SKIPPED);
        _exit(what->does());
    }
    if (waitpid(pid, &status, 0) != pid)
        abort();
    if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED) {
        puts("the sandbox cannot be applied here");
        exit(SKIPPED);
    }
    if (WIFSIGNALED(status) && (WTERMSIG(status) != SIGSYS || how != ALL)) {
        printf("%s: ended by signal %d\n", what->name, WTERMSIG(status));
        exit(1);
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 1;
}

/* What a ring does is not seen by the filter: it does nothing but write. */
static bool rings_only_write(void)
{
    struct store *store;
    char path[64], target[64];
    int rings = 0, event = -1;
    bool good = true;

    if (store_open_uring(&store, 4, -1, NULL))
        return false;
    for (int fd = 3; fd < 64; fd++) {
        ssize_t length;

        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        length = readlink(path, target, sizeof target - 1);
        target[length > 0 ? length : 0] = 0;
        if (!strstr(target, "[io_uring]"))
            continue;
        rings++;
        if (syscall(SYS_io_uring_register, fd, IORING_REGISTER_EVENTFD, &event, 1) >= 0 || errno != EACCES) {
            printf("ring %d: registering says %s\n", fd, strerror(errno));
            good = false;
        }
    }
    store_close(store);
    return rings ? good : false;
}

/* A call that is neither listed nor forbidden: it fails, and the worker lives; with --enable-strict-sandbox it does not. */
static bool unlisted_call_is_refused(void)
{
    pid_t pid = fork();
    int status;

    if (!pid) {
        sandbox_enter(SANDBOX_WORKER);
        sandbox_filter(SANDBOX_WORKER);
        _exit(syscall(SYS_getpriority, 0, 0) < 0 && errno == ENOSYS && getpid() > 0 ? 0 : 1);
    }
    waitpid(pid, &status, 0);
#ifdef STRICT_SANDBOX
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
#else
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
#endif
}

static pid_t start_other(void)
{
    pid_t pid = fork();

    if (!pid) {
        if (setgid(NOBODY) || setuid(NOBODY))
            _exit(1);
        raise(SIGSTOP);
        _exit(0);
    }
    waitpid(pid, NULL, WUNTRACED);
    return pid;
}

int main(void)
{
    int failed = 0;

    if (geteuid() || SANITIZED) {
        puts(SANITIZED ? "SKIP: built with sanitizers, where there is no sandbox" : "SKIP: needs root");
        return SKIPPED;
    }
    page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    other = start_other();
    for (size_t i = 0; i < sizeof attempts / sizeof attempts[0]; i++) {
        if (attempts[i].anywhere && !attempt(&attempts[i], FREE)) {
            printf("%s: does not work without the sandbox, so nothing is tested\n", attempts[i].name);
            failed++;
        }
    }
    sandbox_choose(false, false);
    sandbox_make_room();
    for (size_t i = 0; i < sizeof attempts / sizeof attempts[0]; i++) {
        bool behind = !attempts[i].filter_only && attempt(&attempts[i], WITHOUT_FILTER);

        if (behind || attempt(&attempts[i], ALL)) {
            printf("%s: a taken worker can%s\n", attempts[i].name, behind ? ", but for the filter of system calls" : "");
            failed++;
        }
    }
    if (!unlisted_call_is_refused()) {
        puts("a call that is not listed is not refused as it should be");
        failed++;
    }
    if (!rings_only_write()) {
        puts("a ring can do more than write");
        failed++;
    }
    kill(other, SIGKILL);
    printf("%zu attempts, %d faults\n", sizeof attempts / sizeof attempts[0], failed);
    return failed ? 1 : 0;
}
