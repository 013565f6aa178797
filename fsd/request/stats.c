#include "config.h"

#include "request/stats.h"

#include <inttypes.h>
#include <stdio.h>

#include "file/status.h"
#include "log.h"
#include "mapshare-abi.h"
#include "request/current.h"

static uint64_t in_use(pthread_mutex_t *lock, const struct slots *slots)
{
    uint64_t count;

    pthread_mutex_lock(lock);
    count = slots_in_use(slots);
    pthread_mutex_unlock(lock);
    return count;
}

void stats_get(fuse_req_t request, size_t size)
{
    struct server *server = server_of(request);
    const struct arena_header *header = server->arena.header;
    const struct arena_counters *counters = &header->counters;
    struct page_counts frames;
    char text[2048];
    size_t length;

    status_frames(&server->files, &frames);
    const struct {
        const char *name;
        uint64_t value;
    } numbers[] = {
        {"keeper_pid", header->keeper_pid},
        {"worker_pid", header->worker_pid},
        {"probe_pid", header->probe_pid},
        {"restarts", counters->restarts},
        {"inodes", in_use(&server->inodes.lock, &server->inodes.slots)},
        {"files", in_use(&server->files.record_lock, &server->files.slots)},
        {"handles", in_use(&server->handle_lock, &server->handle_slots)},
        {"frames_total", header->frame_max},
        {"frames_free", frame_free_count(&server->frames)},
        {"frames_received", frames.of[MAPSHARE_ABI_RECEIVED]},
        {"frames_committed", frames.of[MAPSHARE_ABI_COMMITTED]},
        {"frames_writeback", frames.of[MAPSHARE_ABI_WRITEBACK]},
        {"frames_failed", frames.of[MAPSHARE_ABI_FAILED]},
        {"frames_spilled_max", header->spilled},
        {"commits", counters->commits},
        {"pages_received", counters->pages_received},
        {"pages_committed", counters->pages_committed},
        {"pages_checkpointed", counters->pages_checkpointed},
        {"write_errors", counters->write_errors},
        {"log_dropped", log_dropped()},
        {"journal_size", journal_size(server->journal)},
        {"journal_used", journal_used(server->journal)},
        {"sequence", journal_sequence(server->journal)},
    };
    length = snprintf(text, sizeof text, "version=%s\n", PACKAGE_VERSION);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        length += snprintf(text + length, sizeof text - length, "%s=%" PRIu64 "\n", numbers[i].name, numbers[i].value);
    request_reply_value(request, text, length, size);
}
