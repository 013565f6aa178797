/* What of a daemon's memory does not hold. */
#ifndef CLI_VERIFY_MEMORY_H
#define CLI_VERIFY_MEMORY_H

#include <json-c/json.h>

/* Adds what it finds to `json`, or where that is NULL tells people. 0: all holds; -1: something does not, or cannot be looked at. */
int verify_memory(const char *mount, struct json_object *json);

#endif
