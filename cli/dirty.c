#include "config.h"

#include "command.h"
#include "inspect.h"
#include "message.h"
#include "output.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

static int run_print(void *context, const struct mapshare_abi_run *run)
{
    (void)context;
    printf("%" PRIu64 "-%" PRIu64 " %s\n", run->first, run->last, inspect_state_name(run->state));
    return ferror(stdout) ? -EIO : 0;
}

/* Printed piece by piece: a file may have a million runs. */
static int run_json(void *context, const struct mapshare_abi_run *run)
{
    const char **separator = context;
    struct json_object *object = json_object_new_object();

    json_object_object_add(object, "first", json_object_new_uint64(run->first));
    json_object_object_add(object, "last", json_object_new_uint64(run->last));
    json_object_object_add(object, "state", json_object_new_string(inspect_state_name(run->state)));
    fputs(*separator, stdout);
    json_print_part(object);
    *separator = ",\n    ";
    return ferror(stdout) ? -EIO : 0;
}

static int dirty_json(int fd, const char *name)
{
    const char *separator = "\n    ";
    bool kernel_known;
    int result;

    fputs("{\n  \"file\": ", stdout);
    json_print_part(json_name(name));
    printf(",\n  \"page_size\": %d,\n  \"ranges\": [", MAPSHARE_PAGE_SIZE);
    result = inspect_ranges(fd, run_json, &separator, &kernel_known);
    if (result == 0)
        printf("\n  ],\n  \"kernel_known\": %s\n}\n", kernel_known ? "true" : "false");
    return result;
}

enum exit_status command_dirty(const struct arguments *arguments)
{
    const char *name = arguments->operands[0];
    bool kernel_known = true;
    struct stat status;
    int fd = inspect_open_file(name, &status);
    int result = fd;

    if (fd >= 0)
        result = arguments->json ? dirty_json(fd, name) : inspect_ranges(fd, run_print, NULL, &kernel_known);
    if (fd >= 0)
        close(fd);
    if (ferror(stdout))
        return STATUS_FAILURE; /* main tells why */
    if (result) {
        message_error(name, result);
        return STATUS_FAILURE;
    }
    if (!kernel_known)
        message("%s: pages still in the kernel's page cache are not listed; mount as root on Linux 6.5 or later to see them",
                quoted(name));
    return STATUS_OK;
}
