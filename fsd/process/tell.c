#include "config.h"

#include "process/tell.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/utsname.h>

#include "log.h"
#include "units.h"

static const struct promise {
    unsigned major, minor; /* the first that can */
    const char *otherwise;
} promises[] = {
    {6, 9, "the mount is not served any more when its worker dies: clients get EIO, and what was not committed is lost"},
    {6, 5, "pages that are dirty in the kernel cannot be counted"},
};

void tell_kernel(const struct options *options)
{
    struct utsname system;
    unsigned major, minor;

    if (uname(&system) || sscanf(system.release, "%u.%u", &major, &minor) != 2)
        return;
    for (size_t i = 0; i < sizeof promises / sizeof promises[0]; i++) {
        const struct promise *promise = &promises[i];

        if (major < promise->major || (major == promise->major && minor < promise->minor))
            log_line(LOG_WARN, "%s: this is Linux %u.%u; before %u.%u %s", options->mountpoint, major, minor, promise->major,
                     promise->minor, promise->otherwise);
    }
}

void tell_mounted(const struct daemon *daemon)
{
    const struct options *options = daemon->options;
    struct utsname system;
    char recovered[64] = "nothing was to be recovered";

    uname(&system);
    if (daemon->recovered)
        snprintf(recovered, sizeof recovered, "recovered %" PRIu64 " commits", daemon->recovered);
    log_line(LOG_NOTE,
             "%s is mounted on %s: mapsharefs " PACKAGE_VERSION ", Linux %s, cache %" PRIu64 "M, journal %" PRIu64 "M, %s",
             options->store, options->mountpoint, system.release, options->tuning.cache_size / MIB, options->journal_size / MIB,
             recovered);
}

void tell_unmounted(const struct daemon *daemon, int status)
{
    const struct options *options = daemon->options;
    const struct arena_header *header = daemon->arena.header;

    if (status)
        log_line(LOG_FATAL, "%s is unmounted from %s, and not complete: the lines before tell why", options->store,
                 options->mountpoint);
    else
        log_line(LOG_NOTE, "%s is unmounted from %s and complete: %" PRIu64 " commits, %" PRIu64 " restarts", options->store,
                 options->mountpoint, header->counters.commits, header->counters.restarts);
}
