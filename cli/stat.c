#include "config.h"

#include "command.h"
#include "inspect.h"
#include "latencies.h"
#include "libmapshare/runs.h"
#include "message.h"
#include "output.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct report {
    const char *name;
    struct stat status;
    bool atomic;
    /* Of regular files only. */
    struct mapshare_abi_info info;
    uint64_t counts[MAPSHARE_RUN_STATES];
    bool kernel_known;
    /* Of a mount's root only. */
    bool has_latencies;
    struct mapshare_abi_latency latencies;
};

/* The counts are of the runs, not of `info`: a page that is stored to again while the daemon has its last content counts once. */
static int report_gather(int fd, struct report *report)
{
    struct mapshare_runs runs;
    int result = inspect_atomic(fd, &report->atomic);

    if (!result && S_ISDIR(report->status.st_mode))
        report->has_latencies = !inspect_latency(report->name, &report->latencies);
    if (result || !S_ISREG(report->status.st_mode))
        return result;
    result = inspect_info(fd, &report->info);
    if (result == 0)
        result = mapshare_runs_read(fd, (uint64_t)report->status.st_size, &runs);
    if (result)
        return result;
    mapshare_runs_count(&runs, report->counts);
    report->kernel_known = runs.kernel_known;
    mapshare_runs_free(&runs);
    return 0;
}

static struct timespec commit_time(const struct mapshare_abi_info *info)
{
    return (struct timespec){info->commit_seconds, info->commit_nanoseconds};
}

/* Pages that differ from the last commit. */
static uint64_t dirty(const struct report *report)
{
    return report->counts[MAPSHARE_ABI_KERNEL] + report->counts[MAPSHARE_ABI_RECEIVED] + report->counts[MAPSHARE_ABI_FAILED];
}

static void times_print(const struct stat *status)
{
    char text[OUTPUT_TIME_SIZE];

    printf("Accessed   %s\n", output_time(text, status->st_atim));
    printf("Modified   %s\n", output_time(text, status->st_mtim));
    printf("Changed    %s\n", output_time(text, status->st_ctim));
}

static void file_print(const struct report *report)
{
    const struct mapshare_abi_info *info = &report->info;
    char text[OUTPUT_TIME_SIZE], kernel[32] = "unknown";

    if (report->kernel_known)
        snprintf(kernel, sizeof kernel, "%" PRIu64, report->counts[MAPSHARE_ABI_KERNEL]);
    printf("Size       %" PRIu64 " bytes in %" PRIu64 " pages; %" PRIu64 " bytes as of the last commit\n",
           (uint64_t)report->status.st_size, ((uint64_t)report->status.st_size + MAPSHARE_PAGE_SIZE - 1) / MAPSHARE_PAGE_SIZE,
           info->committed_size);
    printf("Dirty      %s%" PRIu64 " pages: kernel %s, received %" PRIu64 ", failed %" PRIu64 "\n",
           report->kernel_known ? "" : "at least ", dirty(report), kernel, report->counts[MAPSHARE_ABI_RECEIVED],
           report->counts[MAPSHARE_ABI_FAILED]);
    printf("Committed  %" PRIu64 " pages not yet in the store's file, besides %" PRIu64 " being written to it\n",
           report->counts[MAPSHARE_ABI_COMMITTED], report->counts[MAPSHARE_ABI_WRITEBACK]);
    if (info->sequence)
        printf("Commit     %" PRIu64 " at %s\n", info->sequence, output_time(text, commit_time(info)));
    else
        printf("Commit     none since the mount\n");
    printf("Error      %s\n", info->error ? strerrorname_np(info->error) : "none");
    printf("Atomic     %s\n",
           report->atomic ? "yes: only the program's own commits become durable" : "no: also committed by timer");
}

static void plain_print(const struct report *report)
{
    printf("%s       %s\n", S_ISDIR(report->status.st_mode) ? "Dir " : "File", quoted(report->name));
    if (S_ISREG(report->status.st_mode))
        file_print(report);
    else
        printf("Atomic     %s\n", report->atomic ? "yes: new files in it become atomic" : "no");
    if (report->has_latencies)
        latencies_print(&report->latencies, 11);
    times_print(&report->status);
}

static struct json_object *commit_json(const struct mapshare_abi_info *info)
{
    struct json_object *object;

    if (!info->sequence)
        return NULL;
    object = json_object_new_object();
    json_object_object_add(object, "sequence", json_object_new_uint64(info->sequence));
    json_object_object_add(object, "time", json_time(commit_time(info)));
    return object;
}

static void file_json(const struct report *report, struct json_object *object)
{
    const struct mapshare_abi_info *info = &report->info;

    json_object_object_add(object, "size", json_object_new_uint64((uint64_t)report->status.st_size));
    json_object_object_add(object, "committed_size", json_object_new_uint64(info->committed_size));
    json_object_object_add(object, "page_size", json_object_new_int(MAPSHARE_PAGE_SIZE));
    json_object_object_add(object, "dirty", report->kernel_known ? json_object_new_uint64(dirty(report)) : NULL);
    for (uint32_t state = MAPSHARE_ABI_KERNEL; state < MAPSHARE_RUN_STATES; state++) {
        bool known = report->kernel_known || state != MAPSHARE_ABI_KERNEL;

        json_object_object_add(object, inspect_state_name(state), known ? json_object_new_uint64(report->counts[state]) : NULL);
    }
    json_object_object_add(object, "commit", commit_json(info));
    json_object_object_add(object, "error", info->error ? json_object_new_string(strerrorname_np(info->error)) : NULL);
}

static void report_json(const struct report *report)
{
    struct json_object *object = json_object_new_object();

    json_object_object_add(object, "file", json_name(report->name));
    json_object_object_add(object, "type", json_object_new_string(S_ISDIR(report->status.st_mode) ? "directory" : "file"));
    if (S_ISREG(report->status.st_mode))
        file_json(report, object);
    if (report->has_latencies)
        json_object_object_add(object, "latency", latencies_json(&report->latencies));
    json_object_object_add(object, "atomic", json_object_new_boolean(report->atomic));
    json_object_object_add(object, "atime", json_time(report->status.st_atim));
    json_object_object_add(object, "mtime", json_time(report->status.st_mtim));
    json_object_object_add(object, "ctime", json_time(report->status.st_ctim));
    json_print(object);
}

/* `shown`: how many before it. */
static bool show(const char *name, bool json, unsigned *shown)
{
    struct report report = {.name = name};
    int fd = inspect_open(report.name, &report.status);
    int result = fd < 0 ? fd : report_gather(fd, &report);

    if (fd >= 0)
        close(fd);
    if (result) {
        message_error(report.name, result);
        return false;
    }
    if (*shown && !json)
        putchar('\n');
    ++*shown;
    if (json)
        report_json(&report);
    else
        plain_print(&report);
    return true;
}

/* One that cannot be shown does not keep back the others. */
enum exit_status command_stat(const struct arguments *arguments)
{
    bool all = true;
    unsigned shown = 0;

    for (int i = 0; i < arguments->operand_count; i++)
        all &= show(arguments->operands[i], arguments->json, &shown);
    return all ? STATUS_OK : STATUS_FAILURE;
}
