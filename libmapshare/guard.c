/* Copies that turn SIGBUS into an errno.
 *
 * The handler is installed once, by mapshare_guard or at the first guarded copy. A copy notes in its thread where to go and between which addresses it
 * works; a SIGBUS there jumps back. Any other one goes to the handler that the program had before ours. Until a fault a copy costs what memcpy costs.
 */
#include "config.h"

#include <setjmp.h>
#include <signal.h>
#include <string.h>

#include "internal.h"

struct guarded_copy {
    sigjmp_buf back;
    uintptr_t to, from;
    size_t length;
    volatile uintptr_t fault; /* where it stopped */
};

/* The initial-exec model, because the other ones may allocate at first use, which a handler must not. */
static _Thread_local struct guarded_copy *volatile current __attribute__((tls_model("initial-exec")));

static struct sigaction previous;       /* written before the handler is installed, constant afterwards */
static atomic_bool previous_is_used_up; /* it had SA_RESETHAND, and ran */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int install_error;

/* As the kernel would have called it. */
static void call_previous(int number, siginfo_t *information, void *context)
{
    sigset_t blocked = previous.sa_mask, before;

    if (!(previous.sa_flags & SA_NODEFER))
        sigaddset(&blocked, number);
    pthread_sigmask(SIG_BLOCK, &blocked, &before);
    if (previous.sa_flags & SA_SIGINFO)
        previous.sa_sigaction(number, information, context);
    else
        previous.sa_handler(number);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* Back to the default, which ends the process: by the same access again where there was one. */
static void end_process(int number, bool is_fault)
{
    struct sigaction standard = {.sa_handler = SIG_DFL};

    sigaction(number, &standard, NULL);
    if (!is_fault)
        raise(number);
}

static void pass_on(int number, siginfo_t *information, void *context)
{
    bool is_fault = information->si_code > 0;
    bool is_handler = previous.sa_flags & SA_SIGINFO || (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN);

    if (is_handler && !(previous.sa_flags & SA_RESETHAND && atomic_exchange(&previous_is_used_up, true)))
        call_previous(number, information, context);
    else if (is_handler || is_fault || previous.sa_handler == SIG_DFL)
        end_process(number, is_fault); /* a fault cannot be ignored */
}

static _Noreturn void jump_back(struct guarded_copy *copy, uintptr_t address)
{
    copy->fault = address;
    siglongjmp(copy->back, 1);
}

static void on_bus_error(int number, siginfo_t *information, void *context)
{
    struct guarded_copy *copy = current;
    uintptr_t address = (uintptr_t)information->si_addr;
    int error = errno;

    if (copy && information->si_code > 0 &&
        (mapshare_is_inside(address, copy->to, copy->length) || mapshare_is_inside(address, copy->from, copy->length)))
        jump_back(copy, address);
    pass_on(number, information, context);
    errno = error;
}

/* SIGBUS stays unblocked in our handler, so that the jump out of it has no mask to restore. */
static void install(void)
{
    struct sigaction action = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK};

    if (sigaction(SIGBUS, NULL, &previous)) {
        install_error = -errno;
        return;
    }
    action.sa_flags |= previous.sa_flags & SA_RESTART;
    if (sigaction(SIGBUS, &action, NULL))
        install_error = -errno;
}

int mapshare_guard(void)
{
    pthread_once(&once, install);
    return mapshare_result(install_error);
}

int mapshare_guarded_copy(void *to, const void *from, size_t length, uintptr_t *fault)
{
    struct guarded_copy copy = {.to = (uintptr_t)to, .from = (uintptr_t)from, .length = length};
    struct guarded_copy *outer = current; /* a signal handler may copy, too */

    pthread_once(&once, install);
    if (install_error)
        return install_error;
    if (sigsetjmp(copy.back, 0)) {
        current = outer;
        *fault = copy.fault;
        return -EFAULT;
    }
    current = &copy;
    atomic_signal_fence(memory_order_seq_cst);
    memcpy(to, from, length);
    atomic_signal_fence(memory_order_seq_cst);
    current = outer;
    return 0;
}
