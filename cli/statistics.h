/* user.mapshare.stats of a mount's root: lines of KEY=VALUE, in the daemon's order. */
#ifndef CLI_STATISTICS_H
#define CLI_STATISTICS_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct statistics {
    char *text;
    size_t count;
    struct statistic {
        const char *key;
        const char *value;
        uint64_t number;
        bool is_number;
    } * entries;
};

/* 0 or -errno; -ENOTTY where `mount_point` is not the root of one of our mounts. */
int statistics_read(const char *mount_point, struct statistics *out);
void statistics_free(struct statistics *statistics);

/* 0 where the daemon does not have it. */
uint64_t statistics_number(const struct statistics *statistics, const char *key);
const char *statistics_text(const struct statistics *statistics, const char *key);

/* Why a mount's root could not be asked. */
void statistics_tell(const char *mount_point, int result);

/* Reads the statistics, or says why not. */
bool statistics_read_or_tell(const char *mount_point, struct statistics *out);

/* Of a user's: user_UID_WHAT. NULL: of none. */
const char *statistic_user(const struct statistic *entry, uint32_t *user);

struct json_object *statistics_json(const struct statistics *statistics, const char *mount_point);

#endif
