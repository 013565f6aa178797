#include "config.h"

#include "request/tuning.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "file/share.h"
#include "log.h"
#include "probe/probe.h"
#include "request/current.h"

/* Tells everybody who does not look by himself. */
static void apply(struct server *server)
{
    const struct tuning *tuning = arena_tuning(server->arena.header);
    _Atomic uint32_t *limits = server->inodes.users.limits;

    limits[HOLDS_HANDLES] = tuning->user_handles;
    limits[HOLDS_PARKED] = tuning->user_waits;
    descriptor_share(&server->descriptors, tuning->user_removed);
    shares_open(&server->files);
    frame_table_limit(&server->frames, tuning->cache_size / PAGE_BYTES);
    if (server->probe)
        probe_client_share(server->probe, tuning->user_probes);
    log_only(tuning->log_level);
}

struct options tuning_options(const struct server *server)
{
    struct options options = *server->options;

    options.tuning = *arena_tuning(server->arena.header);
    return options;
}

void tuning_begin(struct server *server)
{
    struct arena_header *header = server->arena.header;
    struct tuning tuning = *arena_tuning(header);
    const char *damaged = options_mend(&tuning, (uint64_t)header->frame_max * PAGE_BYTES);

    if (damaged) {
        log_line(LOG_WARN, "%s: what it was is damaged: it is as if it had not been given", damaged);
        arena_tune(header, &tuning);
    }
    apply(server);
}

/* The list of what it changes, or why it does not. */
static int set(struct server *server, const char *list, char *text, size_t max)
{
    struct options before = tuning_options(server), after = before;
    int error = options_change(&after, list);

    if (error) {
        snprintf(text, max, "%s", after.complaint);
        return error;
    }
    options_changes(&after, &before, text, max);
    if (!*text)
        return 0;
    arena_tune(server->arena.header, &after.tuning);
    apply(server);
    server->options_changed(server);
    log_line(LOG_NOTE, "%s: set by user %u: %s", server->options->mountpoint, current_header()->uid, text);
    return 0;
}

void tuning_serve(fuse_req_t request, uint32_t inode, const struct mapshare_abi_set *in)
{
    struct server *server = server_of(request);
    struct mapshare_abi_set answer = {0};
    int error = request_may_manage(server, inode);

    if (!error && !memchr(in->text, 0, sizeof in->text))
        error = -EINVAL;
    if (error) {
        request_reply(request, error);
        return;
    }
    pthread_mutex_lock(&server->set_lock);
    answer.error = -set(server, in->text, answer.text, sizeof answer.text);
    pthread_mutex_unlock(&server->set_lock);
    fuse_reply_ioctl(request, 0, &answer, sizeof answer);
}
