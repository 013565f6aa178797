#include "config.h"

#include "request/effects.h"

#include <assert.h>

#include "log.h"
#include "request/current.h"

/* Nothing is at stake; `unique` was set first, or is about to be set. */
static void make_free(struct effects *effects)
{
    atomic_store(&effects->unique, 0);
    effects->intent = (struct intent){0};
    effects->counted = 0;
}

static struct effects *find_oldest(const struct arena *arena)
{
    struct effects *oldest = NULL;

    for (uint32_t i = 0; i < EFFECTS_MAX; i++) {
        struct effects *effects = &arena->effects[i];

        if (effects->unique && (!oldest || effects->unique < oldest->unique))
            oldest = effects;
    }
    return oldest;
}

/* What dead workers left stays until its request is sent again. Most of it never is: the reply was heard, and only its end was not noted
 * any more. So when the table is full the oldest goes: the numbers of requests grow. */
void effects_table_open(struct server *server)
{
    const struct arena *arena = &server->arena;
    uint32_t dropped = 0;

    pthread_mutex_init(&server->effects_lock, NULL);
    for (uint32_t i = 0; i < EFFECTS_MAX && server->effects_free_count < EFFECTS_MINE; i++) {
        struct effects *effects = &arena->effects[i];

        if (effects->unique && (effects->intent.begun || effects->counted) && effects->counted <= ENTRIES_MAX)
            continue;
        make_free(effects);
        server->effects_free[server->effects_free_count++] = effects;
    }
    while (server->effects_free_count < EFFECTS_MINE) {
        struct effects *oldest = find_oldest(arena);

        make_free(oldest);
        server->effects_free[server->effects_free_count++] = oldest;
        dropped++;
    }
    if (dropped)
        log_line(LOG_TRACE, "takeover: %u oldest requests of dead workers are taken for answered", dropped);
}

static struct effects *take_own(struct server *server)
{
    struct effects *own;

    pthread_mutex_lock(&server->effects_lock);
    assert(server->effects_free_count);
    own = server->effects_free[--server->effects_free_count];
    pthread_mutex_unlock(&server->effects_lock);
    return own;
}

struct effects *effects_begin(struct server *server)
{
    struct current *now = current();

    if (now->effects)
        return now->effects;
    if (!now->own_effects)
        now->own_effects = take_own(server);
    now->effects = now->own_effects;
    atomic_store_explicit(&now->effects->unique, now->header->unique & ~RESENT, memory_order_release);
    return now->effects;
}

void effects_end(void)
{
    struct current *now = current();

    if (now->effects)
        make_free(now->effects);
    now->effects = NULL;
}

void effects_lend(const struct fuse_in_header *header, struct current *outer)
{
    *outer = *current();
    *current() = (struct current){.header = header};
}

void effects_return(struct server *server, const struct current *outer)
{
    struct current *now = current();

    effects_end();
    if (now->own_effects) {
        pthread_mutex_lock(&server->effects_lock);
        server->effects_free[server->effects_free_count++] = now->own_effects;
        pthread_mutex_unlock(&server->effects_lock);
    }
    *now = *outer;
}

void effects_adopt(struct server *server)
{
    struct current *now = current();

    for (uint32_t i = 0; i < EFFECTS_MAX && !now->effects; i++) {
        if (server->arena.effects[i].unique == (now->header->unique & ~RESENT))
            now->effects = &server->arena.effects[i];
    }
}
