#include "config.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "mapshare-abi.h"
#include "store/identity.h"
#include "store/linked.h"

/* A symbolic link, made by one call, to a name of the store's root. */
#define MARK MAPSHARE_PRIVATE_FOLDER "/linked"

static int name_of(int store, char name[IDENTITY_NAME_MAX])
{
    struct identity identity;
    int result = identity_take(store, "", false, &identity);
    if (result == 0)
        identity_name(&identity, name);
    return result;
}

bool linked_is_marked(int store)
{
    char name[IDENTITY_NAME_MAX], found[IDENTITY_NAME_MAX] = "";
    return readlinkat(store, MARK, found, sizeof(found) - 1) > 0 && name_of(store, name) == 0 && strcmp(found, name) == 0;
}

int linked_mark(int store)
{
    char name[IDENTITY_NAME_MAX];
    if (linked_is_marked(store))
        return 1;
    int result = name_of(store, name);
    if (result == 0)
        linked_unmark(store);
    return result == 0 && symlinkat(name, store, MARK) < 0 ? -errno : result;
}

void linked_unmark(int store)
{
    unlinkat(store, MARK, 0);
}
