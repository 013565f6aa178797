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

static int run_json(void *context, const struct mapshare_abi_run *run)
{
    struct json_object *object = json_object_new_object();

    json_object_object_add(object, "first", json_object_new_uint64(run->first));
    json_object_object_add(object, "last", json_object_new_uint64(run->last));
    json_object_object_add(object, "state", json_object_new_string(inspect_state_name(run->state)));
    json_list_add(context, object);
    return ferror(stdout) ? -EIO : 0;
}

static int dirty_json(int fd, const char *name)
{
    struct json_list list = {.key = "file", .name = name, .list = "ranges"};
    struct json_object *rest;
    bool kernel_known;
    int result = inspect_ranges(fd, run_json, &list, &kernel_known);

    if (result)
        return result;
    rest = json_object_new_object();
    json_object_object_add(rest, "page_size", json_object_new_int(MAPSHARE_PAGE_SIZE));
    json_object_object_add(rest, "kernel_known", json_object_new_boolean(kernel_known));
    json_list_end(&list, rest);
    return 0;
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
