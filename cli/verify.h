/* mapshare verify: of a mount, the memory of its daemon; of a store, what lies on disk. */
#ifndef CLI_VERIFY_H
#define CLI_VERIFY_H

#include <json-c/json.h>

/* Both add what they find to `json`, or where that is NULL tell people. 0: all holds; -1: something does not, or cannot be looked at. */
int verify_memory(const char *mount, struct json_object *json);
int verify_store(const char *store, struct json_object *json);

#endif
