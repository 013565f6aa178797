/* mapshare verify: of a mount, the memory of its daemon; of a store, what lies on disk. */
#include "config.h"

#include "command.h"
#include "mapshare-abi.h"
#include "output.h"
#include "verify_memory.h"
#include "verify_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* A mount hides the private folder that a store has. */
static bool is_store(const char *name)
{
    struct stat status;
    char *path;
    bool is;

    if (asprintf(&path, "%s/" MAPSHARE_PRIVATE_FOLDER, name) < 0)
        return false;
    is = !lstat(path, &status) && S_ISDIR(status.st_mode);
    free(path);
    return is;
}

enum exit_status command_verify(const struct arguments *arguments)
{
    const char *name = arguments->operands[0];
    struct json_object *json = arguments->json ? json_object_new_object() : NULL;
    bool store = is_store(name);
    int result = store ? verify_store(name, json) : verify_memory(name, json);

    if (!store && json && json_object_object_length(json))
        json_print(json);
    else
        json_object_put(json);
    return result ? STATUS_FAILURE : STATUS_OK;
}
