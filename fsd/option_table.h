/* The table of mount options: a row each. */
#ifndef OPTION_TABLE_H
#define OPTION_TABLE_H

#include "options.h"

/* A flag that is given is true; the rules for access times are flags of one field; a level and the sandbox are words. */
enum kind { SIZE, NUMBER, FLAG, TEXT, ATIME, SANDBOX, LEVEL, FOLDER };

#define OPTION_COUNT 27u
#define OPTION_LEVELS 4u

/* A test compares it, through --help, with mapsharefs(8). */
extern const struct option {
    const char *name;
    enum kind kind;
    size_t offset;        /* in struct options; within its tuning: can be changed while it is mounted */
    uint64_t least, most; /* ATIME: the rule */
    const char *what;
} option_table[OPTION_COUNT];

extern const char *const option_levels[OPTION_LEVELS];

static inline bool option_is_live(const struct option *option)
{
    size_t tuning = offsetof(struct options, tuning);

    return option->offset >= tuning && option->offset < tuning + sizeof(struct tuning);
}

/* Of a SIZE or NUMBER: "64M". */
void option_print_number(const struct option *option, uint64_t value, char *to, size_t max);
bool option_is_same(const struct option *option, const struct options *a, const struct options *b);
/* "NAME=VALUE", or "NAME" of a flag; empty where it is not set. As snprintf(). */
int option_print(const struct option *option, const struct options *options, char *to, size_t max);

#endif
