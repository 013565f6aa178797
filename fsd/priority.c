#include "config.h"

#include "priority.h"

#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define NICE_RAISED (-10)
#define SLACK_NANOSECONDS 50000 /* the system's default */

static int usual; /* the nice value that we were started with */

void priority_raise(void)
{
    static const struct sched_param least = {.sched_priority = 1};

    usual = getpriority(PRIO_PROCESS, 0);
    if (sched_setscheduler(0, SCHED_FIFO, &least))
        setpriority(PRIO_PROCESS, 0, NICE_RAISED);
}

void priority_keep_own(void)
{
    struct sched_param own = {0};

    if (!sched_getparam(0, &own))
        sched_setscheduler(0, (own.sched_priority ? SCHED_FIFO : SCHED_OTHER) | SCHED_RESET_ON_FORK, &own);
}

void priority_usual(void)
{
    static const struct sched_param none = {0};

    sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &none); /* whoever has set that flag may not clear it */
    prctl(PR_SET_TIMERSLACK, SLACK_NANOSECONDS, 0, 0, 0);            /* who was made by a real-time process has none */
    setpriority(PRIO_PROCESS, 0, usual);
}
