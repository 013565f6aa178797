#include "config.h"

#include "file_table.h"
#include "inspect.h"
#include "output.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *path_of(const struct mapshare_abi_file *info, const unsigned char *bytes)
{
    char *path = NULL;

    if (info->path_bytes)
        return strndup((const char *)bytes, info->path_bytes);
    return asprintf(&path, "inode %" PRIu64, info->inode) < 0 ? NULL : path;
}

/* The entries of one answer. -EPROTO: it makes no sense. */
static int append(struct file_table *table, const struct mapshare_abi_files *list)
{
    struct file_entry *more = reallocarray(table->entries, table->count + list->count + 1, sizeof *more);
    size_t at = 0;

    if (!more)
        return -ENOMEM;
    table->entries = more;
    for (uint32_t i = 0; i < list->count; i++) {
        struct file_entry *entry = &table->entries[table->count];

        if (list->bytes > sizeof list->files || at + sizeof entry->info > list->bytes)
            return -EPROTO;
        memcpy(&entry->info, list->files + at, sizeof entry->info);
        at += sizeof entry->info;
        if (entry->info.path_bytes > list->bytes - at)
            return -EPROTO;
        entry->path = path_of(&entry->info, list->files + at);
        if (!entry->path)
            return -ENOMEM;
        at += ((size_t)entry->info.path_bytes + 7) / 8 * 8;
        table->count++;
    }
    return 0;
}

int file_table_read(const char *mount_point, struct file_table *out)
{
    struct mapshare_abi_files list = {.next = 0};
    struct stat status;
    int fd = inspect_open(mount_point, &status), result = fd < 0 ? fd : 0;

    *out = (struct file_table){0};
    if (result)
        return result;
    do {
        result = inspect_files(fd, &list);
        if (!result)
            result = append(out, &list);
    } while (!result && list.next);
    close(fd);
    if (result)
        file_table_free(out);
    return result;
}

void file_table_free(struct file_table *table)
{
    for (size_t i = 0; i < table->count; i++)
        free(table->entries[i].path);
    free(table->entries);
    *table = (struct file_table){0};
}

uint64_t file_entry_uncommitted(const struct file_entry *entry)
{
    return entry->info.received + entry->info.failed;
}

static int order(uint64_t a, uint64_t b)
{
    return a > b ? -1 : a < b;
}

static int compare(const void *a, const void *b)
{
    const struct file_entry *x = a, *y = b;
    int result = order(file_entry_uncommitted(x), file_entry_uncommitted(y));

    if (!result)
        result = order(x->info.committed + x->info.writeback, y->info.committed + y->info.writeback);
    return result ? result : strcmp(x->path, y->path);
}

void file_table_sort(struct file_table *table)
{
    if (table->count)
        qsort(table->entries, table->count, sizeof table->entries[0], compare);
}

static struct timespec commit_time(const struct mapshare_abi_file *info)
{
    return (struct timespec){.tv_sec = info->commit_seconds, .tv_nsec = info->commit_nanoseconds};
}

const char *file_entry_age(const struct file_entry *entry, char *text)
{
    return entry->info.sequence ? output_age(text, commit_time(&entry->info)) : "none";
}

static struct json_object *commit_json(const struct mapshare_abi_file *info)
{
    struct json_object *object = json_object_new_object();

    json_object_object_add(object, "sequence", json_object_new_uint64(info->sequence));
    json_object_object_add(object, "time", json_time(commit_time(info)));
    return object;
}

struct json_object *file_entry_json(const struct file_entry *entry)
{
    const struct mapshare_abi_file *info = &entry->info;
    struct json_object *object = json_object_new_object();

    json_object_object_add(object, "path", info->path_bytes ? json_name(entry->path) : NULL);
    json_object_object_add(object, "inode", json_object_new_uint64(info->inode));
    json_object_object_add(object, "size", json_object_new_uint64(info->size));
    json_object_object_add(object, "atomic", json_object_new_boolean(info->flags & MAPSHARE_ABI_ATOMIC));
    json_object_object_add(object, "received", json_object_new_uint64(info->received));
    json_object_object_add(object, "committed", json_object_new_uint64(info->committed));
    json_object_object_add(object, "writeback", json_object_new_uint64(info->writeback));
    json_object_object_add(object, "failed", json_object_new_uint64(info->failed));
    json_object_object_add(object, "commit", info->sequence ? commit_json(info) : NULL);
    json_object_object_add(object, "error", info->error ? json_object_new_string(strerrorname_np(info->error)) : NULL);
    return object;
}
