/* The counters in the text format of Prometheus. A key of the daemon's that is not in the table below is exported as a gauge, so that
 * a newer daemon's figures are not lost. */
#include "config.h"

#include "command.h"
#include "inspect.h"
#include "latencies.h"
#include "message.h"
#include "output.h"
#include "mounts.h"
#include "statistics.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRAMES_PREFIX "frames_"

static const struct {
    const char *key;
    const char *name; /* NULL: not a metric */
    const char *type;
    const char *help;
} known[] = {
    {"version", NULL, NULL, NULL},
    {"keeper_pid", NULL, NULL, NULL},
    {"worker_pid", NULL, NULL, NULL},
    {"probe_pid", NULL, NULL, NULL},
    {"standby_pid", NULL, NULL, NULL},
    {"restarts", "restarts_total", "counter", "Workers that died and were replaced."},
    {"keeper_restarts", "keeper_restarts_total", "counter", "Keepers that died and were replaced."},
    {"upgrades", "upgrades_total", "counter", "Programs that replaced the one before while the mount was used."},
    {"upgrades_failed", "upgrades_failed_total", "counter", "Programs that could not."},
    {"inodes", "known_inodes", "gauge", "Files and folders that the kernel knows."},
    {"files", "known_files", "gauge", "Of these, files that were opened for writing."},
    {"handles", "open_files", "gauge", "Open files."},
    {"inodes_max", "known_inodes_limit", "gauge", "Room for files and folders that the kernel knows."},
    {"files_max", "known_files_limit", "gauge", "Room for files that were opened for writing."},
    {"handles_max", "open_files_limit", "gauge", "Room for open files."},
    {"damaged", "damaged_files", "gauge", "Files out of service, as their records in memory are damaged."},
    {"share", "user_frames_limit", "gauge", "Pages of memory that a user's uncommitted changes of atomic files may take."},
    {"frames_total", "arena_frames", "gauge", "Pages of memory in the arena."},
    {"frames_spilled_max", "spilled_frames", "gauge", "Pages for which the store's private folder has a place, at most so far."},
    {"commits", "commits_total", "counter", "Commits since the mount."},
    {"pages_received", "received_pages_total", "counter", "Pages that the kernel sent."},
    {"pages_committed", "committed_pages_total", "counter", "Pages made durable by commits."},
    {"pages_checkpointed", "checkpointed_pages_total", "counter", "Committed pages written to the store's files."},
    {"write_errors", "write_errors_total", "counter", "Writes to the store or the journal that failed."},
    {"log_dropped", "log_dropped_lines_total", "counter", "Lines for the log that nobody took."},
    {"journal_size", "journal_size_bytes", "gauge", "Size of the journal."},
    {"journal_used", "journal_used_bytes", "gauge", "Bytes of the journal that are not checkpointed yet."},
    {"journal_tail", "journal_tail_bytes", "gauge", "Where in the journal a recovery would begin."},
    {"sequence", "commit_sequence", "gauge", "Sequence number of the last commit."},
};

static void label_print(FILE *out, const char *name, const char *value)
{
    fprintf(out, "%s=\"", name);
    for (; *value; value++) {
        if (*value == '\n') {
            fputs("\\n", out);
            continue;
        }
        if (*value == '"' || *value == '\\')
            fputc('\\', out);
        fputc(*value, out);
    }
    fputc('"', out);
}

static void head_print(const char *name, const char *type, const char *help)
{
    printf("# HELP mapshare_%s %s\n# TYPE mapshare_%s %s\n", name, help, name, type);
}

static void sample_print(const char *name, const char *mount_point, const char *label, const char *value, double number)
{
    printf("mapshare_%s{", name);
    label_print(stdout, "mount", mount_point);
    if (label) {
        putchar(',');
        label_print(stdout, label, value);
    }
    printf("} %.17g\n", number);
}

static void entry_print(const struct statistic *entry, const char *mount_point)
{
    char name[128];
    size_t length = strspn(entry->key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(known[i].key, entry->key))
            continue;
        if (known[i].name && entry->is_number) {
            head_print(known[i].name, known[i].type, known[i].help);
            sample_print(known[i].name, mount_point, NULL, NULL, (double)entry->number);
        }
        return;
    }
    if (!entry->is_number || entry->key[length] || (size_t)snprintf(name, sizeof name, "%s", entry->key) >= sizeof name)
        return;
    head_print(name, "gauge", "A figure of the daemon's.");
    sample_print(name, mount_point, NULL, NULL, (double)entry->number);
}

/* frames_ and one word, but for the total. */
static bool is_frame_state(const struct statistic *entry)
{
    return entry->is_number && !strncmp(entry->key, FRAMES_PREFIX, strlen(FRAMES_PREFIX)) &&
           !strchr(entry->key + strlen(FRAMES_PREFIX), '_') && strcmp(entry->key, "frames_total");
}

static const struct {
    const char *what, *name, *type, *help;
} of_users[] = {
    {"handles", "user_open_files", "gauge", "Open files of a user who has many."},
    {"removed", "user_removed_files", "gauge", "Of these, removed ones that keep a descriptor."},
    {"waiting", "user_waiting_requests", "gauge", "Requests of the user that wait for a commit or for the kernel's word."},
    {"memory", "user_frames", "gauge", "Pages of the user's uncommitted changes of atomic files, in memory."},
    {"spilled", "user_spilled_frames", "gauge", "The same in the store's private folder."},
    {"probe_milliseconds", "user_probe_seconds_total", "counter", "Time in which the kernel was asked for the user."},
};

static void users_print(const struct statistics *statistics, const char *mount_point)
{
    for (size_t i = 0; i < sizeof of_users / sizeof of_users[0]; i++) {
        bool headed = false;

        for (size_t j = 0; j < statistics->count; j++) {
            const struct statistic *entry = &statistics->entries[j];
            uint32_t user;
            const char *what = statistic_user(entry, &user);
            char text[16];

            if (!what || strcmp(what, of_users[i].what))
                continue;
            if (!headed)
                head_print(of_users[i].name, of_users[i].type, of_users[i].help);
            headed = true;
            snprintf(text, sizeof text, "%" PRIu32, user);
            sample_print(of_users[i].name, mount_point, "user", text,
                         strcmp(what, "probe_milliseconds") ? (double)entry->number : (double)entry->number / 1000);
        }
    }
}

/* An older daemon has none. */
static void histograms_print(const char *mount_point)
{
    struct mapshare_abi_latency latencies;
    char *labels = NULL;
    size_t length;
    FILE *out = inspect_latency(mount_point, &latencies) ? NULL : open_memstream(&labels, &length);

    if (!out)
        return;
    label_print(out, "mount", mount_point);
    if (!fclose(out))
        latencies_metrics(&latencies, labels);
    free(labels);
}

static void metrics_print(const struct statistics *statistics, const char *mount_point)
{
    uint32_t user;

    head_print("info", "gauge", "1 for a mount that is served; its daemon's version.");
    sample_print("info", mount_point, "version", statistics_text(statistics, "version"), 1);
    head_print("frames", "gauge", "Pages of the arena by state.");
    for (size_t i = 0; i < statistics->count; i++)
        if (is_frame_state(&statistics->entries[i]))
            sample_print("frames", mount_point, "state", statistics->entries[i].key + strlen(FRAMES_PREFIX),
                         (double)statistics->entries[i].number);
    for (size_t i = 0; i < statistics->count; i++)
        if (!is_frame_state(&statistics->entries[i]) && !statistic_user(&statistics->entries[i], &user))
            entry_print(&statistics->entries[i], mount_point);
    users_print(statistics, mount_point);
    histograms_print(mount_point);
}

enum exit_status command_metrics(const struct arguments *arguments)
{
    const char *name = arguments->operands[0];
    char *path = mounts_resolve(name);
    struct statistics statistics;

    if (!statistics_read_or_tell(name, &statistics)) {
        free(path);
        return STATUS_FAILURE;
    }
    if (arguments->json)
        json_print(statistics_json(&statistics, path ? path : name));
    else
        metrics_print(&statistics, path ? path : name);
    statistics_free(&statistics);
    free(path);
    return STATUS_OK;
}
