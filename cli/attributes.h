/* All extended attributes of something that is open, one behind the other: the name, terminated; the length of its value, four bytes; the value. */
#ifndef CLI_ATTRIBUTES_H
#define CLI_ATTRIBUTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ATTRIBUTES_MAX (1u << 20) /* Linux has 64 KiB of names and 64 KiB for each value */

/* `place`: open, if only with O_PATH. `bytes` has ATTRIBUTES_MAX. 0 or -errno. */
int attributes_take(int place, char *bytes, uint32_t *length);

/* The next one from *at on, which goes on to what follows it. False: there is none, or what there is makes no sense. */
struct attribute {
    const char *name, *value;
    uint32_t length;
};
bool attributes_next(const char *bytes, size_t length, size_t *at, struct attribute *out);

/* `path`: of what gets them all, the links of /proc/self/fd followed. 0 or -errno. */
int attributes_set(const char *path, const char *bytes, size_t length);

#endif
