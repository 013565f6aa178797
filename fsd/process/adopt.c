/* The beginning of a program that is executed in another's place. */
#include "config.h"

#include <errno.h>
#include <linux/close_range.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "process/daemon.h"
#include "process/handover.h"
#include "sandbox/sandbox.h"

static int refuse(const struct options *options, int error)
{
    log_line(LOG_FATAL, "%s: mapsharefs " PACKAGE_VERSION " cannot go on with this mount: %s; unmount, and mount it again",
             options->mountpoint,
             error == -EPROTO ? "what the program that runs keeps in memory is laid out in another way" : strerror(-error));
    return 1;
}

int adopt_run(const struct options *options)
{
    static struct handover handover;
    static struct daemon daemon;
    int error = handover_read(options->adopt, &handover);

    if (error)
        return refuse(options, error);
    log_adopt(handover.owned[OWNED_MESSAGES], handover.owned[OWNED_SYSTEM_LOG], handover.log_to_system, options->tuning.log_level);
    daemon = (struct daemon){
        .options = options, .place = handover.place, .program = handover.program, .store_marks = handover.store_marks};
    memcpy(daemon.owned, handover.owned, sizeof daemon.owned);
    error = arena_adopt(&daemon.arena, daemon.owned[OWNED_ARENA], daemon.owned[OWNED_SPILL]);
    if (error)
        return refuse(options, error);
    if (options->check)
        return 0;
    close(options->adopt);
    close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    sandbox_choose(options->no_sandbox, options->trusted);
    sandbox_adopt_room(daemon.owned[OWNED_ROOM]);
    return keeper_run(&daemon, daemon.arena.header->standby_pid);
}
