#include "config.h"

#include "command.h"
#include "file_table.h"
#include "message.h"
#include "mounts.h"
#include "output.h"
#include "statistics.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* `below`: a path below the mount, or "" for all. A file whose path is not known may be anywhere: it is listed for the whole mount only. */
static bool is_wanted(const struct file_entry *entry, const char *below)
{
    size_t length = strlen(below);

    return !length || (entry->info.path_bytes && !strncmp(entry->path, below, length) &&
                       (entry->path[length] == '/' || entry->path[length] == '\0'));
}

static void plain_print(const struct file_table *table, const char *below)
{
    bool is_headed = false;

    for (size_t i = 0; i < table->count; i++) {
        const struct file_entry *entry = &table->entries[i];
        const struct mapshare_abi_file *info = &entry->info;
        char age[OUTPUT_AGE_SIZE];

        if (!is_wanted(entry, below))
            continue;
        if (!is_headed)
            puts("RECEIVED COMMITTED   FAILED   SEQUENCE       AGE ERROR    FILE");
        is_headed = true;
        printf("%8" PRIu64 " %9" PRIu64 " %8" PRIu64 " %10" PRIu64 " %9s %-8s %s\n", info->received,
               info->committed + info->writeback, info->failed, info->sequence, file_entry_age(entry, age),
               info->error ? strerrorname_np(info->error) : "-", quoted(entry->path));
    }
}

static void list_print_json(const struct file_table *table, const char *mount_point, const char *below)
{
    struct json_list list = {.key = "mount", .name = mount_point, .list = "files"};

    for (size_t i = 0; i < table->count; i++) {
        if (is_wanted(&table->entries[i], below))
            json_list_add(&list, file_entry_json(&table->entries[i]));
    }
    json_list_end(&list, json_object_new_object());
}

static int list(const char *mount_point, const char *below, bool json)
{
    struct file_table table;
    int result = file_table_read(mount_point, &table);

    if (result)
        return result;
    file_table_sort(&table);
    if (json)
        list_print_json(&table, mount_point, below);
    else
        plain_print(&table, below);
    file_table_free(&table);
    return 0;
}

enum exit_status command_files(const struct arguments *arguments)
{
    const char *name = arguments->operands[0];
    char *path = mounts_resolve(name);
    struct mount_entry entry;
    struct stat status;
    int result = path && !stat(path, &status) ? 0 : -errno;

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
    return result ? STATUS_FAILURE : STATUS_OK;
}
