#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "journal/apart.h"
#include "sandbox/sandbox.h"

static void *make_shared(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

/* 0, or -EFAULT where the process did not end by itself. */
static int wait_for(pid_t child, recover_tell tell)
{
    char text[128];
    int status;
    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR)
            return -errno;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    snprintf(text, sizeof(text),
             "the process that reads the journal crashed (%s %d): the journal is as it was; copy the store and report this",
             WIFSIGNALED(status) ? "signal" : "status", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    tell(NULL, text);
    return -EFAULT;
}

int run_apart(int (*run)(void *context), void *context, recover_tell tell)
{
    pid_t parent = getpid();
    int *answer = make_shared(sizeof(*answer));
    if (answer == NULL)
        return -errno;
    fflush(NULL); /* or the child would print what is buffered, too */
    pid_t child = fork();
    int result = child < 0 ? -errno : 0;
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() == parent) {
            sandbox_enter(SANDBOX_RECOVERY);
            sandbox_filter(SANDBOX_RECOVERY);
            *answer = run(context);
        }
        _exit(0);
    }
    if (result == 0)
        result = wait_for(child, tell);
    if (result == 0)
        result = *answer;
    munmap(answer, sizeof(*answer));
    return result;
}

struct recovery {
    int store_folder;
    bool give_up;
    recover_tell tell;
    struct recover_report report;
};

static int recover_here(void *context)
{
    struct recovery *recovery = context;
    struct store *store;
    int result = store_open_serial(&store); /* no write outlives the process, as those of io_uring could */
    if (result < 0)
        return result;
    result = journal_recover(store, recovery->store_folder, recovery->give_up, recovery->tell, &recovery->report);
    store_close(store);
    return result;
}

int recover_apart(int store_folder, bool give_up, recover_tell tell, struct recover_report *report)
{
    struct recovery *recovery = make_shared(sizeof(*recovery));
    *report = (struct recover_report){0};
    if (recovery == NULL)
        return -errno;
    *recovery = (struct recovery){.store_folder = store_folder, .give_up = give_up, .tell = tell};
    int result = run_apart(recover_here, recovery, tell);
    if (result != -EFAULT) /* after a crash it tells of what was begun */
        *report = recovery->report;
    munmap(recovery, sizeof(*recovery));
    return result;
}
