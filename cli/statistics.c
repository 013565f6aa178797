#include "config.h"

#include "statistics.h"
#include "inspect.h"
#include "message.h"
#include "mounts.h"
#include "output.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool number_parse(const char *text, uint64_t *out)
{
    if (!*text || text[strspn(text, "0123456789")])
        return false;
    errno = 0;
    *out = strtoull(text, NULL, 10);
    return errno == 0;
}

int statistics_read(const char *mount_point, struct statistics *out)
{
    char *rest = NULL;
    size_t lines = 1;
    int result;

    *out = (struct statistics){0};
    result = inspect_statistics(mount_point, &out->text);
    if (result)
        return result;
    for (const char *at = out->text; *at; at++)
        lines += *at == '\n';
    out->entries = calloc(lines, sizeof out->entries[0]);
    if (!out->entries) {
        statistics_free(out);
        return -ENOMEM;
    }
    for (char *line = strtok_r(out->text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        struct statistic *entry = &out->entries[out->count];
        char *equals = strchr(line, '=');

        if (!equals)
            continue;
        *equals = '\0';
        entry->key = line;
        entry->value = equals + 1;
        entry->is_number = number_parse(entry->value, &entry->number);
        out->count++;
    }
    return 0;
}

void statistics_free(struct statistics *statistics)
{
    free(statistics->entries);
    free(statistics->text);
    *statistics = (struct statistics){0};
}

static const struct statistic *find(const struct statistics *statistics, const char *key)
{
    for (size_t i = 0; i < statistics->count; i++)
        if (!strcmp(statistics->entries[i].key, key))
            return &statistics->entries[i];
    return NULL;
}

const char *statistic_user(const struct statistic *entry, uint32_t *user)
{
    int length = 0;

    if (!entry->is_number || sscanf(entry->key, "user_%" SCNu32 "_%n", user, &length) != 1 || !length)
        return NULL;
    return entry->key + length;
}

uint64_t statistics_number(const struct statistics *statistics, const char *key)
{
    const struct statistic *entry = find(statistics, key);

    return entry && entry->is_number ? entry->number : 0;
}

const char *statistics_text(const struct statistics *statistics, const char *key)
{
    const struct statistic *entry = find(statistics, key);

    return entry ? entry->value : "unknown";
}

void statistics_tell(const char *mount_point, int result)
{
    char *path = result == -ENOTTY || result == -ENODATA ? mounts_resolve(mount_point) : NULL;
    struct mount_entry entry;

    if (path && mounts_around(path, &entry) == 0) {
        message("%s: not the root of its mount; give %s", quoted(mount_point), quoted(entry.point));
        mounts_free(&entry);
    } else {
        message_error(mount_point, result);
    }
    free(path);
}

bool statistics_read_or_tell(const char *mount_point, struct statistics *out)
{
    int result = statistics_read(mount_point, out);

    if (result)
        statistics_tell(mount_point, result);
    return result == 0;
}

struct json_object *statistics_json(const struct statistics *statistics, const char *mount_point)
{
    struct json_object *object = json_object_new_object();

    json_object_object_add(object, "mount", json_name(mount_point));
    for (size_t i = 0; i < statistics->count; i++) {
        const struct statistic *entry = &statistics->entries[i];

        json_object_object_add(object, entry->key,
                               entry->is_number ? json_object_new_uint64(entry->number) : json_name(entry->value));
    }
    return object;
}
