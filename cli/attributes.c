#include "config.h"

#include "attributes.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

/* One attribute's bytes behind those that are there. */
static int add(const char *path, const char *name, char *bytes, uint32_t *length)
{
    size_t name_length = strlen(name) + 1, at = *length + name_length + sizeof(uint32_t);
    ssize_t n = at < ATTRIBUTES_MAX ? getxattr(path, name, bytes + at, ATTRIBUTES_MAX - at) : -1;
    uint32_t value = (uint32_t)n;

    if (at >= ATTRIBUTES_MAX)
        return -E2BIG;
    if (n < 0)
        return errno == ENODATA ? 0 : -errno;
    memcpy(bytes + *length, name, name_length);
    memcpy(bytes + *length + name_length, &value, sizeof value);
    *length = (uint32_t)(at + value);
    return 0;
}

int attributes_take(int place, char *bytes, uint32_t *length)
{
    char path[32], names[XATTR_LIST_MAX];
    ssize_t n;
    int error = 0;

    *length = 0;
    snprintf(path, sizeof path, "/proc/self/fd/%d", place);
    n = listxattr(path, names, sizeof names);
    if (n < 0 && errno != EOPNOTSUPP)
        return -errno;
    for (ssize_t at = 0; at < n && !error; at += (ssize_t)strlen(names + at) + 1)
        error = add(path, names + at, bytes, length);
    return error;
}

bool attributes_next(const char *bytes, size_t length, size_t *at, struct attribute *out)
{
    size_t left = length - *at, name_length = strnlen(bytes + *at, left) + 1;

    if (*at >= length || name_length + sizeof out->length > left)
        return false;
    memcpy(&out->length, bytes + *at + name_length, sizeof out->length);
    if (out->length > left - name_length - sizeof out->length)
        return false;
    out->name = bytes + *at;
    out->value = out->name + name_length + sizeof out->length;
    *at += name_length + sizeof out->length + out->length;
    return true;
}

int attributes_set(const char *path, const char *bytes, size_t length)
{
    struct attribute attribute;
    size_t at = 0;

    while (attributes_next(bytes, length, &at, &attribute)) {
        if (setxattr(path, attribute.name, attribute.value, attribute.length, 0))
            return -errno;
    }
    return 0;
}
