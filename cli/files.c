#include "config.h"

#include "command.h"
#include "file_table.h"
#include "message.h"
#include "mounts.h"
#include "output.h"
#include "which_mount.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void list_print_json(const struct file_table *table, const char *mount_point)
{
    struct json_list list = {.key = "mount", .name = mount_point, .list = "files"};

    for (size_t i = 0; i < table->count; i++)
        json_list_add(&list, file_entry_json(&table->entries[i]));
    json_list_end(&list, json_object_new_object());
}

/* `below`: a path below the mount, or "" for all. */
static int list(const char *mount_point, const char *below, bool json)
{
    struct file_table table;
    int result = file_table_read(mount_point, &table);

    if (result)
        return result;
    if (*below)
        file_table_keep(&table, below);
    file_table_sort(&table, ORDER_UNCOMMITTED);
    if (json)
        list_print_json(&table, mount_point);
    else
        file_table_print(&table);
    file_table_free(&table);
    return 0;
}

enum exit_status command_files(const struct arguments *arguments)
{
    char *name = which_mount(arguments), *path = name ? mounts_resolve(name) : NULL;
    struct mount_entry entry;
    struct stat status;
    int result = path && !stat(path, &status) ? 0 : -errno;

    if (!name)
        return STATUS_FAILURE;
    if (!result && mounts_around(path, &entry)) {
        result = -ENOTTY;
    } else if (!result) {
        const char *below = path + strlen(entry.point);

        result = list(entry.point, *below == '/' ? below + 1 : below, arguments->json);
        mounts_free(&entry);
    }
    free(path);
    if (result == -EPERM)
        message("%s: only root and the mount's owner may ask which files are not in the store; ask one of them", quoted(name));
    else if (result)
        message_error(name, result);
    free(name);
    return result ? STATUS_FAILURE : STATUS_OK;
}
