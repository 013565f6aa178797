/* The files of a mount that are not all in the store: asked, sorted, and told to programs. */
#ifndef CLI_FILE_TABLE_H
#define CLI_FILE_TABLE_H

#include <json-c/json.h>
#include <stddef.h>

#include "mapshare-abi.h"

struct file_entry {
    struct mapshare_abi_file info;
    char *path;  /* below the mount, or "inode N" */
    double rate; /* commits a second; < 0: not known */
};

struct file_table {
    struct file_entry *entries;
    size_t count;
};

/* 0 or -errno: -EPERM, who asks is neither root nor the mount's owner; -ENOTTY, not the root of a mount of ours. */
int file_table_read(const char *mount_point, struct file_table *out);
void file_table_free(struct file_table *table);

/* Only what is at `path`, below the mount, or in it; a file whose path is not known may be anywhere. */
void file_table_keep(struct file_table *table, const char *path);

/* What comes first: the most pages or commits, the longest without a commit. */
enum file_order {
    ORDER_UNCOMMITTED, /* received or failed, then committed */
    ORDER_COMMITTED,
    ORDER_FAILED,
    ORDER_RATE,
    ORDER_AGE,
    ORDER_NAME,
};
void file_table_sort(struct file_table *table, enum file_order order);

/* The rates of `table`, `seconds` after `before`, which is in no order then. */
void file_table_rates(struct file_table *table, struct file_table *before, double seconds);

/* With a headline; nothing of an empty table. */
void file_table_print(const struct file_table *table);
struct json_object *file_table_json(const struct file_table *table);

/* Committed, but not in the store yet. */
uint64_t file_entry_committed(const struct file_entry *entry);
/* "3.4 s" or "none"; room for OUTPUT_AGE_SIZE bytes. */
const char *file_entry_age(const struct file_entry *entry, char *text);
struct json_object *file_entry_json(const struct file_entry *entry);

#endif
