/* The files of a mount that are not all in the store: asked, sorted, and told to programs. */
#ifndef CLI_FILE_TABLE_H
#define CLI_FILE_TABLE_H

#include <json-c/json.h>
#include <stddef.h>

#include "mapshare-abi.h"

struct file_entry {
    struct mapshare_abi_file info;
    char *path; /* below the mount, or "inode N" */
};

struct file_table {
    struct file_entry *entries;
    size_t count;
};

/* 0 or -errno: -EPERM, who asks is neither root nor the mount's owner; -ENOTTY, not the root of a mount of ours. */
int file_table_read(const char *mount_point, struct file_table *out);
void file_table_free(struct file_table *table);

void file_table_sort(struct file_table *table);

/* Pages that need attention most: received ones and those that failed. */
uint64_t file_entry_uncommitted(const struct file_entry *entry);
/* "3.4 s" or "none"; room for OUTPUT_AGE_SIZE bytes. */
const char *file_entry_age(const struct file_entry *entry, char *text);
struct json_object *file_entry_json(const struct file_entry *entry);

#endif
