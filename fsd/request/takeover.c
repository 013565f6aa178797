#include "config.h"

#include "request/takeover.h"

#include "request/effects.h"
#include "request/entry.h"
#include "request/forget.h"

/* The last reference was gone, and the worker died before it dropped what the file held. */
static void drop_forgotten(struct server *server)
{
    for (uint32_t slot = server->arena.header->inode_used; slot > INODE_ROOT; slot--)
        entry_drop_contents(server, slot);
}

void requests_take_over(struct server *server)
{
    for (uint32_t i = 0; i < SERVING_MAX; i++) {
        struct arrival *arrival = &server->arena.arrivals[i];

        if (forget_is((const void *)arrival->head))
            forget_received(server, arrival);
    }
    drop_forgotten(server);
    effects_table_open(server);
}
