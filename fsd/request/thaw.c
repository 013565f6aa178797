#include "config.h"

#include "request/thaw.h"

#include <sched.h>
#include <stdlib.h>

#include "request/freeze.h"
#include "request/receive.h"

void thaw(struct server *server)
{
    struct parked_change *parked;

    while ((parked = freeze_next(server))) {
        receive_again(server, parked->bytes, parked->size);
        free(parked);
    }
}

/* What goes on may set the umask: the thread's own. */
void thaw_tick(struct server *server)
{
    if (freeze_tick(server) && !unshare(CLONE_FS))
        thaw(server);
}
