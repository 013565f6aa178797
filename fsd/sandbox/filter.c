#include "config.h"

#include "sandbox/filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/io_uring.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <ucontext.h>
#include <unistd.h>

#include "cachestat.h"
#include "log.h"

/* An argument must be `value` in the bits of `mask`. */
struct call {
    int number;
    int argument; /* -1: any */
    uint64_t mask, value;
};

#define ANY(name)                \
    {                            \
        SCMP_SYS(name), -1, 0, 0 \
    }
#define ONLY(name, argument, value)                 \
    {                                               \
        SCMP_SYS(name), argument, 0xffffffff, value \
    }
#define BITS(name, argument, mask, value)     \
    {                                         \
        SCMP_SYS(name), argument, mask, value \
    }
#define NONE         \
    {                \
        -1, -1, 0, 0 \
    }

static const struct call any_process[] = {
    /* time, memory, the end */
    ANY(brk),
    BITS(mmap, 2, PROT_EXEC, 0),
    ANY(munmap),
    ANY(clock_gettime),
    ANY(futex),
    ANY(close),
    ANY(fstat),
    ANY(newfstatat),
    ANY(getpid),
    ANY(getppid),
    ANY(gettid),
    ANY(rt_sigreturn),
    ANY(restart_syscall),
    ANY(exit),
    ANY(exit_group),
    NONE};

static const struct call worker[] = {
    /* requests, the journal, the store */
    ANY(read),
    ANY(readv),
    ANY(write),
    ANY(writev),
    ANY(pread64),
    ANY(preadv),
    ANY(preadv2),
    ANY(pwrite64),
    ANY(pwritev),
    ANY(pwritev2),
    ANY(io_uring_enter),
    ONLY(io_uring_register, 1, IORING_UNREGISTER_FILES),
    ANY(fsync),
    ANY(fdatasync),
    ANY(syncfs),
    ANY(ftruncate),
    ANY(fallocate),
    ANY(lseek),
    ANY(fadvise64),
    {SYS_cachestat, -1, 0, 0},
    ANY(poll),
    ANY(ppoll),
    /* files and their names */
    ANY(openat),
    ANY(openat2),
    ANY(open_by_handle_at),
    ANY(name_to_handle_at),
    ANY(statx),
    ANY(fstatfs),
    ANY(getdents64),
    ANY(faccessat),
    ANY(faccessat2),
    ANY(readlink),
    ANY(readlinkat),
    ANY(mkdirat),
    ANY(mknodat),
    ANY(symlinkat),
    ANY(linkat),
    ANY(unlinkat),
    ANY(renameat),
    ANY(renameat2),
    ANY(utimensat),
    ANY(chmod),
    ANY(fchmod),
    ANY(fchmodat),
    ANY(fchown),
    ANY(fchownat),
    ANY(getxattr),
    ANY(lgetxattr),
    ANY(fgetxattr),
    ANY(listxattr),
    ANY(llistxattr),
    ANY(flistxattr),
    ANY(setxattr),
    ANY(lsetxattr),
    ANY(fsetxattr),
    ANY(removexattr),
    ANY(lremovexattr),
    ANY(fremovexattr),
    ANY(dup),
    ANY(dup3),
    ANY(flock),
    ONLY(fcntl, 1, F_GETFL),
    ONLY(fcntl, 1, F_SETFL),
    ONLY(fcntl, 1, F_GETFD),
    ONLY(fcntl, 1, F_SETFD),
    ONLY(fcntl, 1, F_DUPFD_CLOEXEC),
    ONLY(ioctl, 1, FS_IOC_GETFLAGS),
    ONLY(ioctl, 1, FS_IOC_SETFLAGS),
    ONLY(ioctl, 1, FS_IOC_FSGETXATTR),
    ONLY(ioctl, 1, TCGETS),
    /* for whom */
    ANY(capget),
    ANY(capset),
    ANY(setfsuid),
    ANY(setfsgid),
    ANY(getgroups),
    ANY(setgroups),
    ANY(geteuid),
    ANY(getegid),
    ANY(getuid),
    ANY(getgid),
    ANY(umask),
    ONLY(unshare, 0, CLONE_FS),
    /* the probe and the log */
    ANY(sendto),
    ANY(recvfrom),
    ONLY(setsockopt, 2, SO_RCVTIMEO),
    /* threads, memory, time */
    BITS(clone, 0, CLONE_THREAD | CLONE_VM | CLONE_SIGHAND, CLONE_THREAD | CLONE_VM | CLONE_SIGHAND),
    BITS(mprotect, 2, PROT_EXEC, 0),
    ANY(madvise),
    ANY(mremap),
    ANY(set_robust_list),
    ANY(rseq),
    ANY(rt_sigaction),
    ANY(rt_sigprocmask),
    ANY(sched_getaffinity),
    ANY(sched_yield),
    ANY(sysinfo),
    ANY(getrandom),
    ANY(clock_nanosleep),
    ANY(nanosleep),
    ONLY(prlimit64, 2, 0),
    /* where its threads run */
    ANY(sched_getscheduler),
    ONLY(sched_setscheduler, 1, SCHED_OTHER | SCHED_RESET_ON_FORK),
    ANY(setpriority),
    ONLY(prctl, 0, PR_SET_TIMERSLACK),
    ONLY(sched_setaffinity, 0, 0),
    NONE};

static const struct call probe[] = {
    /* questions, and files of the mount */
    ANY(recvfrom),
    ANY(sendto),
    BITS(openat, 2, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY),
    ANY(open_by_handle_at),
    ANY(name_to_handle_at),
    {SYS_cachestat, -1, 0, 0},
    ANY(sync_file_range),
    ANY(clock_nanosleep),
    ANY(nanosleep),
    /* its lanes' end */
    ANY(wait4),
    NONE};

/* No process of ours makes these, whatever became of it: it ends at once. */
static const struct call never[] = {
    /* other processes, the kernel */
    ANY(execveat),
    ANY(ptrace),
    ANY(process_vm_readv),
    ANY(process_vm_writev),
    ANY(bpf),
    ANY(perf_event_open),
    ANY(init_module),
    ANY(finit_module),
    ANY(delete_module),
    ANY(kexec_load),
    ANY(kexec_file_load),
    ANY(reboot),
    ANY(keyctl),
    ANY(add_key),
    ANY(request_key),
    ANY(userfaultfd),
    ANY(chroot),
    ANY(acct),
    ANY(swapon),
    ANY(swapoff),
    ANY(iopl),
    ANY(ioperm),
    NONE};

/* Nor these, the keeper aside. */
static const struct call keepers[] = {
    /* programs, mounts, processes, rings that nobody restricts */
    ANY(execve),     ANY(mount),  ANY(umount2),  ANY(pivot_root),     ANY(setns),  ANY(open_tree),
    ANY(move_mount), ANY(fsopen), ANY(fsconfig), ANY(fsmount),        ANY(fspick), ANY(mount_setattr),
    ANY(fork),       ANY(vfork),  ANY(socket),   ANY(io_uring_setup), NONE};

#ifdef STRICT_SANDBOX

static uint32_t otherwise(void)
{
    return SCMP_ACT_KILL_PROCESS;
}

#else

#define NUMBERS 512

#if defined __x86_64__
#define RESULT(context) (context)->uc_mcontext.gregs[REG_RAX]
#elif defined __aarch64__
#define RESULT(context) (context)->uc_mcontext.regs[0]
#else
#error "how is the result of a system call set here?"
#endif

/* A worker that is ended for a call that we forgot would meet the same request again. So the call fails as if the kernel did not have
 * it, and is told once. */
static void refuse(int signal, siginfo_t *info, void *context)
{
    static _Atomic bool told[NUMBERS];
    unsigned number = (unsigned)info->si_syscall;

    (void)signal;
    RESULT((ucontext_t *)context) = -ENOSYS;
    if (!atomic_exchange(&told[number % NUMBERS], true))
        log_line(LOG_WARN, "the sandbox refused system call %u; please report it, and mount with sandbox=none until then", number);
}

static uint32_t otherwise(void)
{
    struct sigaction action = {.sa_sigaction = refuse, .sa_flags = SA_SIGINFO | SA_RESTART};

    sigfillset(&action.sa_mask);
    return sigaction(SIGSYS, &action, NULL) ? SCMP_ACT_ERRNO(ENOSYS) : SCMP_ACT_TRAP;
}

#endif

/* Calls that this machine does not have, or that need no rule, are passed over. */
static int add(scmp_filter_ctx filter, uint32_t action, const struct call *calls)
{
    int error = 0;

    for (; !error && calls->number != -1; calls++) {
        struct scmp_arg_cmp compare = SCMP_CMP64(calls->argument, SCMP_CMP_MASKED_EQ, calls->mask, calls->value);

        if (calls->number < 0)
            continue;
        error = seccomp_rule_add_array(filter, action, calls->number, calls->argument >= 0, &compare);
        if (error == -EACCES) /* what happens anyway */
            error = 0;
    }
    return error;
}

/* To ourselves alone; and one to the keeper, to be told that the log's reader went away. */
static int add_signals(scmp_filter_ctx filter)
{
    int error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(kill), 1, SCMP_A0_32(SCMP_CMP_EQ, (uint32_t)getpid(), 0));

    if (!error)
        error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, SCMP_A0_32(SCMP_CMP_EQ, (uint32_t)getpid(), 0));

    if (!error)
        error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(kill), 2, SCMP_A0_32(SCMP_CMP_EQ, (uint32_t)getppid(), 0),
                                 SCMP_A1_32(SCMP_CMP_EQ, LOG_SIGNAL, 0));
    if (!error) /* the C library then takes clone, whose flags can be seen */
        error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    return error;
}

int filter_install(enum sandbox_role role)
{
    scmp_filter_ctx filter = seccomp_init(role == SANDBOX_KEEPER ? SCMP_ACT_ALLOW : otherwise());
    int error = filter ? 0 : -ENOMEM;

    if (!error)
        error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a tree, not a list */
    if (!error)
        error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0); /* set where it is meant to be */
    if (!error)
        error = add(filter, SCMP_ACT_KILL_PROCESS, never);
    if (!error && role != SANDBOX_KEEPER)
        error = add(filter, SCMP_ACT_KILL_PROCESS, keepers);
    if (!error && role != SANDBOX_KEEPER)
        error = add(filter, SCMP_ACT_ALLOW, any_process);
    if (!error && role != SANDBOX_KEEPER)
        error = add(filter, SCMP_ACT_ALLOW, role == SANDBOX_PROBE ? probe : worker);
    if (!error && role != SANDBOX_KEEPER)
        error = add_signals(filter);
    if (!error)
        error = seccomp_load(filter);
    seccomp_release(filter);
    return error;
}
