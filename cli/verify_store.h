/* What of a store does not hold, and what a recovery would do. */
#ifndef CLI_VERIFY_STORE_H
#define CLI_VERIFY_STORE_H

#include <json-c/json.h>

/* As verify_memory, and of a store in use that, too. */
int verify_store(const char *store, struct json_object *json);

#endif
