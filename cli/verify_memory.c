#include "config.h"

#include "inspect.h"
#include "message.h"
#include "mounts.h"
#include "output.h"
#include "statistics.h"
#include "verify_memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

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
