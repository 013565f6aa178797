#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "mapshare-abi.h"
#include "store/identity.h"
#include "store/linked.h"

/* A symbolic link, made by one call, to a name of the store's root. */
#define MARK "linked"

static int open_private(int store)
{
    return openat(store, MAPSHARE_PRIVATE_FOLDER, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

bool linked_is_marked(int store)
{
    char name[IDENTITY_NAME_MAX], found[IDENTITY_NAME_MAX] = "";
    int private = open_private(store);
    bool marked = private >= 0 && readlinkat(private, MARK, found, sizeof(found) - 1) > 0 && identity_take_name(store, name) == 0 &&
                  strcmp(found, name) == 0;
    if (private >= 0)
        close(private);
    return marked;
}

int linked_mark(int store)
{
    char name[IDENTITY_NAME_MAX];
    if (linked_is_marked(store))
        return 1;
    linked_unmark(store); /* one that was made for another folder */
    int result = identity_take_name(store, name), private = open_private(store);
    if (result == 0 && (private < 0 || symlinkat(name, private, MARK) < 0))
        result = -errno;
    if (private >= 0)
        close(private);
    return result;
}

void linked_unmark(int store)
{
    int private = open_private(store);
    if (private < 0)
        return;
    unlinkat(private, MARK, 0);
    close(private);
}
