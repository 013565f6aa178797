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

/* What both processes see. */
struct answer {
    int result;
    struct recover_report report;
};

static void recover_here(int store_folder, bool give_up, recover_tell tell, struct answer *answer)
{
    struct store *store;
    answer->result = store_open_serial(&store); /* no write outlives the process, as those of io_uring could */
    if (answer->result < 0)
        return;
    answer->result = journal_recover(store, store_folder, give_up, tell, &answer->report);
    store_close(store);
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
    snprintf(text, sizeof(text), "recovery crashed (%s %d): the journal is as it was; copy the store and report this",
             WIFSIGNALED(status) ? "signal" : "status", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    tell(NULL, text);
    return -EFAULT;
}

int recover_apart(int store_folder, bool give_up, recover_tell tell, struct recover_report *report)
{
    pid_t parent = getpid();
    struct answer *answer = mmap(NULL, sizeof(*answer), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    *report = (struct recover_report){0};
    if (answer == MAP_FAILED)
        return -errno;
    fflush(NULL); /* or the child would print what is buffered, too */
    pid_t child = fork();
    int result = child < 0 ? -errno : 0;
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() == parent) {
            sandbox_enter(SANDBOX_RECOVERY);
            sandbox_filter(SANDBOX_RECOVERY);
            recover_here(store_folder, give_up, tell, answer);
        }
        _exit(0);
    }
    if (result == 0)
        result = wait_for(child, tell);
    if (result == 0) {
        result = answer->result;
        *report = answer->report;
    }
    munmap(answer, sizeof(*answer));
    return result;
}
