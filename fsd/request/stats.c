#include "config.h"

#include "request/stats.h"

#include <inttypes.h>
#include <stdio.h>

#include "file/lists.h"
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

#define USERS_TOLD 16

struct told {
    const struct user *user;
    uint64_t holds;
};

/* Those who hold most, in that order. */
static uint32_t find_users(const struct users *users, struct told told[USERS_TOLD])
{
    uint32_t count = 0, at;

    for (uint32_t i = 0; i < USERS_MAX; i++) {
        struct told one = {.user = &users->all[i]};

        for (int what = 0; what < HOLDINGS && one.user->key; what++)
            one.holds += one.user->holds[what];
        if (!one.holds || (count == USERS_TOLD && one.holds <= told[count - 1].holds))
            continue;
        count += count < USERS_TOLD;
        for (at = count - 1; at && told[at - 1].holds < one.holds; at--)
            told[at] = told[at - 1];
        told[at] = one;
    }
    return count;
}

static size_t print_users(const struct users *users, char *text, size_t max)
{
    static const char *const names[HOLDINGS] = {
        [HOLDS_MEMORY] = "memory", [HOLDS_SPILL] = "spilled",       [HOLDS_HANDLES] = "handles",
        [HOLDS_PINS] = "removed",  [HOLDS_SNAPSHOTS] = "snapshots", [HOLDS_PARKED] = "waiting"};
    struct told told[USERS_TOLD];
    uint32_t count = find_users(users, told);
    size_t used = 0;

    for (uint32_t i = 0; i < count; i++) {
        const struct user *user = told[i].user;

        for (int what = 0; what < HOLDINGS; what++)
            used += snprintf(text + used, max - used, "user_%" PRIu32 "_%s=%" PRIu32 "\n", user_id(user), names[what],
                             user->holds[what]);
        used += snprintf(text + used, max - used, "user_%" PRIu32 "_probe_milliseconds=%" PRIu64 "\n", user_id(user),
                         user->probe_time / 1000000);
    }
    return used;
}

void stats_get(fuse_req_t request, size_t size)
{
    struct server *server = server_of(request);
    const struct arena_header *header = server->arena.header;
    const struct arena_counters *counters = &header->counters;
    struct journal_point point;
    struct page_counts frames;
    char text[2048 + USERS_TOLD * (HOLDINGS + 1) * 64];
    size_t length;

    journal_where(server->journal, &point);
    status_frames(&server->files, &frames);
    const struct {
        const char *name;
        uint64_t value;
    } numbers[] = {
        {"keeper_pid", header->keeper_pid},
        {"worker_pid", header->worker_pid},
        {"probe_pid", header->probe_pid},
        {"standby_pid", header->standby_pid},
        {"upgrades", header->upgrades},
        {"upgrades_failed", header->upgrades_failed},
        {"restarts", counters->restarts},
        {"keeper_restarts", counters->keeper_restarts},
        {"inodes", in_use(&server->inodes.lock, &server->inodes.slots)},
        {"files", in_use(&server->files.record_lock, &server->files.slots)},
        {"handles", in_use(&server->handle_lock, &server->handle_slots)},
        {"inodes_max", header->inode_max},
        {"files_max", header->file_max},
        {"handles_max", header->handle_max},
        {"damaged", list_length(&server->files, LIST_DAMAGED)},
        {"share", server->inodes.users.limits[HOLDS_MEMORY]},
        {"frames_total", server->frames.limit},
        {"frames_free", frame_free_count(&server->frames)},
        {"frames_received", frames.of[MAPSHARE_ABI_RECEIVED]},
        {"frames_committed", frames.of[MAPSHARE_ABI_COMMITTED]},
        {"frames_writeback", frames.of[MAPSHARE_ABI_WRITEBACK]},
        {"frames_failed", frames.of[MAPSHARE_ABI_FAILED]},
        {"frames_spilled_max", header->spilled},
        {"snapshot_pages", in_use(&server->files.snapshots.lock, &server->files.snapshots.slots)},
        {"commits", counters->commits},
        {"pages_received", counters->pages_received},
        {"pages_committed", counters->pages_committed},
        {"pages_checkpointed", counters->pages_checkpointed},
        {"write_errors", counters->write_errors},
        {"log_dropped", log_dropped()},
        {"journal_size", journal_size(server->journal)},
        {"journal_used", journal_used(server->journal)},
        {"journal_tail", point.tail % journal_size(server->journal)},
        {"sequence", journal_sequence(server->journal)},
        {"generation", journal_generation(server->journal)},
    };
    length = snprintf(text, sizeof text, "version=%s\n", PACKAGE_VERSION);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        length += snprintf(text + length, sizeof text - length, "%s=%" PRIu64 "\n", numbers[i].name, numbers[i].value);
    length += print_users(&server->inodes.users, text + length, sizeof text - length);
    if (!size) /* its numbers may have more digits when it is asked for */
        fuse_reply_xattr(request, sizeof text);
    else
        request_reply_value(request, text, length, size);
}
