#include "config.h"

#include "request/stats.h"

#include <inttypes.h>
#include <stdio.h>

#include "file/status.h"
#include "log.h"
#include "mapshare-abi.h"
#include "request/current.h"

void stats_get(fuse_req_t request, size_t size)
{
    struct server *server = server_of(request);
    const struct arena_header *header = server->arena.header;
    const struct arena_counters *counters = &header->counters;
    struct page_counts frames;
    char text[2048];
    int length;

    status_frames(&server->files, &frames);
    length =
        snprintf(text, sizeof text,
                 "version=%s\nkeeper_pid=%" PRIu32 "\nworker_pid=%" PRIu32 "\nprobe_pid=%" PRIu32 "\nrestarts=%" PRIu64
                 "\nframes_total=%" PRIu32 "\nframes_free=%" PRIu32 "\nframes_received=%" PRIu64 "\nframes_committed=%" PRIu64
                 "\nframes_writeback=%" PRIu64 "\nframes_failed=%" PRIu64 "\nframes_spilled_max=%" PRIu32 "\ncommits=%" PRIu64
                 "\npages_received=%" PRIu64 "\npages_committed=%" PRIu64 "\npages_checkpointed=%" PRIu64 "\nwrite_errors=%" PRIu64
                 "\nlog_dropped=%" PRIu64 "\njournal_size=%" PRIu64 "\njournal_used=%" PRIu64 "\nsequence=%" PRIu64 "\n",
                 PACKAGE_VERSION, header->keeper_pid, header->worker_pid, header->probe_pid, counters->restarts, header->frame_max,
                 frame_free_count(&server->frames), frames.of[MAPSHARE_ABI_RECEIVED], frames.of[MAPSHARE_ABI_COMMITTED],
                 frames.of[MAPSHARE_ABI_WRITEBACK], frames.of[MAPSHARE_ABI_FAILED], header->spilled, counters->commits,
                 counters->pages_received, counters->pages_committed, counters->pages_checkpointed, counters->write_errors,
                 log_dropped(), journal_size(server->journal), journal_used(server->journal), journal_sequence(server->journal));
    request_reply_value(request, text, length, size);
}
