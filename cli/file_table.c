#include "config.h"

#include "file_table.h"
#include "inspect.h"
#include "message.h"
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
        entry->rate = -1;
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

void file_table_keep(struct file_table *table, const char *path)
{
    size_t length = strlen(path), kept = 0;

    for (size_t i = 0; i < table->count; i++) {
        struct file_entry entry = table->entries[i];

        if (entry.info.path_bytes && !strncmp(entry.path, path, length) && (!entry.path[length] || entry.path[length] == '/'))
            table->entries[kept++] = entry;
        else
            free(entry.path);
    }
    table->count = kept;
}

uint64_t file_entry_committed(const struct file_entry *entry)
{
    return entry->info.committed + entry->info.writeback;
}

static double rank(const struct file_entry *entry, enum file_order order)
{
    const struct mapshare_abi_file *info = &entry->info;

    switch (order) {
    case ORDER_UNCOMMITTED:
        return (double)(info->received + info->failed);
    case ORDER_COMMITTED:
        return (double)file_entry_committed(entry);
    case ORDER_FAILED:
        return (double)info->failed;
    case ORDER_RATE:
        return entry->rate;
    case ORDER_AGE:
        return -((double)info->commit_seconds + (double)info->commit_nanoseconds / 1e9);
    case ORDER_NAME:
        break;
    }
    return 0;
}

static int compare(const void *a, const void *b, void *order)
{
    const struct file_entry *x = a, *y = b;
    const enum file_order orders[] = {*(const enum file_order *)order, ORDER_UNCOMMITTED, ORDER_COMMITTED};

    for (size_t i = 0; i < sizeof orders / sizeof orders[0] && orders[0] != ORDER_NAME; i++) {
        double left = rank(x, orders[i]), right = rank(y, orders[i]);

        if (left > right || left < right)
            return left > right ? -1 : 1;
    }
    return strcmp(x->path, y->path);
}

void file_table_sort(struct file_table *table, enum file_order order)
{
    if (table->count)
        qsort_r(table->entries, table->count, sizeof table->entries[0], compare, &order);
}

static int by_inode(const void *a, const void *b)
{
    uint64_t x = ((const struct file_entry *)a)->info.inode, y = ((const struct file_entry *)b)->info.inode;

    return x < y ? -1 : x > y;
}

void file_table_rates(struct file_table *table, struct file_table *before, double seconds)
{
    if (before->count)
        qsort(before->entries, before->count, sizeof before->entries[0], by_inode);
    for (size_t i = 0; i < table->count && before->count; i++) {
        struct file_entry *entry = &table->entries[i];
        const struct file_entry *was = bsearch(entry, before->entries, before->count, sizeof before->entries[0], by_inode);

        if (was && was->info.commits <= entry->info.commits) /* else another worker counts */
            entry->rate = (double)(entry->info.commits - was->info.commits) / seconds;
    }
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
    json_object_object_add(object, "commits", json_object_new_uint64(info->commits));
    json_object_object_add(object, "commit", info->sequence ? commit_json(info) : NULL);
    json_object_object_add(object, "error", info->error ? json_object_new_string(strerrorname_np(info->error)) : NULL);
    return object;
}

void file_table_print(const struct file_table *table)
{
    if (table->count)
        puts("RECEIVED COMMITTED   FAILED   SEQUENCE       AGE ERROR    FILE");
    for (size_t i = 0; i < table->count; i++) {
        const struct file_entry *entry = &table->entries[i];
        const struct mapshare_abi_file *info = &entry->info;
        char age[OUTPUT_AGE_SIZE];

        printf("%8" PRIu64 " %9" PRIu64 " %8" PRIu64 " %10" PRIu64 " %9s %-8s %s\n", info->received, file_entry_committed(entry),
               info->failed, info->sequence, file_entry_age(entry, age), info->error ? strerrorname_np(info->error) : "-",
               quoted(entry->path));
    }
}

struct json_object *file_table_json(const struct file_table *table)
{
    struct json_object *list = json_object_new_array();

    for (size_t i = 0; i < table->count; i++)
        json_object_array_add(list, file_entry_json(&table->entries[i]));
    return list;
}
