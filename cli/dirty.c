#include "config.h"

#include "command.h"
#include "inspect.h"
#include "libmapshare/runs.h"
#include "message.h"
#include "output.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

static void plain_print(const struct mapshare_runs *runs)
{
    for (size_t i = 0; i < runs->count; i++)
        printf("%" PRIu64 "-%" PRIu64 " %s\n", runs->list[i].first, runs->list[i].last, inspect_state_name(runs->list[i].state));
}

static void json_print_runs(const struct mapshare_runs *runs, const char *name)
{
    struct json_list list = {.key = "file", .name = name, .list = "ranges"};
    struct json_object *rest = json_object_new_object();

    for (size_t i = 0; i < runs->count; i++) {
        struct json_object *object = json_object_new_object();

        json_object_object_add(object, "first", json_object_new_uint64(runs->list[i].first));
        json_object_object_add(object, "last", json_object_new_uint64(runs->list[i].last));
        json_object_object_add(object, "state", json_object_new_string(inspect_state_name(runs->list[i].state)));
        json_list_add(&list, object);
    }
    json_object_object_add(rest, "page_size", json_object_new_int(MAPSHARE_PAGE_SIZE));
    json_object_object_add(rest, "kernel_known", json_object_new_boolean(runs->kernel_known));
    json_list_end(&list, rest);
}

enum exit_status command_dirty(const struct arguments *arguments)
{
    const char *name = arguments->operands[0];
    struct mapshare_runs runs;
    struct stat status;
    int fd = inspect_open_file(name, &status);
    int result = fd < 0 ? fd : mapshare_runs_read(fd, (uint64_t)status.st_size, &runs);

    if (fd >= 0)
        close(fd);
    if (result) {
        message_error(name, result);
        return STATUS_FAILURE;
    }
    if (arguments->json)
        json_print_runs(&runs, name);
    else
        plain_print(&runs);
    if (!runs.kernel_known && !ferror(stdout))
        message("%s: pages still in the kernel are not listed; ask as the file's owner, on Linux 6.5 or later", quoted(name));
    mapshare_runs_free(&runs);
    return STATUS_OK;
}
