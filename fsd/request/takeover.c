#include "config.h"

#include "request/takeover.h"

#include "log.h"
#include "request/effects.h"
#include "request/entry.h"
#include "request/forget.h"

/* The last reference was gone, and the worker died before it dropped what the file held. */
static void drop_forgotten(struct server *server)
{
    for (uint32_t i = 0; i < server->inodes.left_count; i++)
        entry_drop_contents(server, server->inodes.left[i]);
}

/* Frames in memory only, and no more than there is room for. */
static bool is_sound(const struct arena *arena, const struct arrival *arrival)
{
    uint32_t end = arrival->first + arrival->count, max = sizeof arrival->frames / sizeof arrival->frames[0];
    bool sound = arrival->first <= max && arrival->count <= max && end <= max;

    for (uint32_t i = arrival->first; i < end && sound; i++)
        sound = arrival->frames[i] <= arena->header->frame_max;
    return sound;
}

void requests_take_over(struct server *server)
{
    for (uint32_t i = 0; i < SERVING_MAX; i++) {
        struct arrival *arrival = &server->arena.arrivals[i];

        if (!forget_is((const void *)arrival->head))
            continue;
        if (is_sound(&server->arena, arrival))
            forget_received(server, arrival);
        else
            log_line(LOG_WARN, "takeover: where a dead worker received FORGETs is damaged: these inodes stay known until unmount");
    }
    drop_forgotten(server);
    effects_table_open(server);
}
