#include "config.h"

#include "command.h"
#include "inspect.h"
#include "message.h"
#include "mounts.h"
#include "output.h"
#include "statistics.h"
#include "verify.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static const char *const kinds[MAPSHARE_ABI_RECORDS] = {
    [MAPSHARE_ABI_INODES] = "inodes",   [MAPSHARE_ABI_FILES] = "files", [MAPSHARE_ABI_FRAMES] = "frames",
    [MAPSHARE_ABI_HANDLES] = "handles", [MAPSHARE_ABI_NAMES] = "names", [MAPSHARE_ABI_AREAS] = "areas",
};

static void report_print(const struct mapshare_abi_verify *report)
{
    for (int kind = 0; kind < MAPSHARE_ABI_RECORDS; kind++)
        printf("%-8s %10" PRIu64 " looked at, %" PRIu64 " damaged\n", kinds[kind], report->looked[kind], report->damaged[kind]);
    for (uint32_t i = 0; i < report->count && i < MAPSHARE_ABI_VERIFIED; i++)
        printf("damaged: inode %" PRIu64 "\n", report->inodes[i]);
    if (report->more)
        puts("damaged: further inodes");
}

static void report_add(const struct mapshare_abi_verify *report, const char *mount_point, struct json_object *object)
{
    struct json_object *inodes = json_object_new_array();

    json_object_object_add(object, "mount", json_name(mount_point));
    for (int kind = 0; kind < MAPSHARE_ABI_RECORDS; kind++) {
        struct json_object *counts = json_object_new_object();

        json_object_object_add(counts, "looked_at", json_object_new_uint64(report->looked[kind]));
        json_object_object_add(counts, "damaged", json_object_new_uint64(report->damaged[kind]));
        json_object_object_add(object, kinds[kind], counts);
    }
    for (uint32_t i = 0; i < report->count && i < MAPSHARE_ABI_VERIFIED; i++)
        json_object_array_add(inodes, json_object_new_uint64(report->inodes[i]));
    json_object_object_add(object, "damaged_inodes", inodes);
    json_object_object_add(object, "more_inodes", json_object_new_boolean(report->more));
}

/* To `json`, or where that is NULL, to people. */
int verify_memory(const char *name, struct json_object *json)
{
    struct mapshare_abi_verify report;
    int result = inspect_verify(name, &report);
    char *path = mounts_resolve(name);
    uint64_t damaged = 0;

    if (result) {
        statistics_tell(name, result);
    } else {
        for (int kind = 0; kind < MAPSHARE_ABI_RECORDS; kind++)
            damaged += report.damaged[kind];
        if (json)
            report_add(&report, path ? path : name, json);
        else
            report_print(&report);
        if (damaged)
            message("%s: %" PRIu64 " records are damaged; unmount it and mount it again, then look at the files", quoted(name),
                    damaged);
    }
    free(path);
    return result || damaged ? -1 : 0;
}

/* A mount hides the private folder that a store has. */
static bool is_store(const char *name)
{
    struct stat status;
    char *path;
    bool is;

    if (asprintf(&path, "%s/" MAPSHARE_PRIVATE_FOLDER, name) < 0)
        return false;
    is = !lstat(path, &status) && S_ISDIR(status.st_mode);
    free(path);
    return is;
}

enum exit_status command_verify(const struct arguments *arguments)
{
    const char *name = arguments->operands[0];
    struct json_object *json = arguments->json ? json_object_new_object() : NULL;
    bool store = is_store(name);
    int result = store ? verify_store(name, json) : verify_memory(name, json);

    if (!store && json && json_object_object_length(json))
        json_print(json);
    else
        json_object_put(json);
    return result ? STATUS_FAILURE : STATUS_OK;
}
