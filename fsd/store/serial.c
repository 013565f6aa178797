/* One write after the other, in the order given: the fallback, and what deterministic tests use. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "store/syscalls.h"

static int serial_write(struct store *store, struct store_write *writes, size_t count)
{
    (void)store;
    return syscalls_write_all(writes, count);
}

static void serial_close(struct store *store)
{
    free(store);
}

static const struct store_operations serial_operations = {
    .write = serial_write,
    .flush = syscalls_flush,
    .truncate = syscalls_truncate,
    .punch = syscalls_punch,
    .set_times = syscalls_set_times,
    .sync = syscalls_sync,
    .sync_all = syscalls_sync_all,
    .close = serial_close,
};

int store_open_serial(struct store **out)
{
    struct store *store = malloc(sizeof(*store));
    if (store == NULL)
        return -ENOMEM;
    store->operations = &serial_operations;
    *out = store;
    return 0;
}

void store_close(struct store *store)
{
    if (store != NULL)
        store->operations->close(store);
}
