#include "config.h"

#include <errno.h>

#include "journal/hold.h"
#include "journal/writing.h"

/* NULL: there is none. With the lock held. */
static const struct journal_hold *current_hold(const struct journal_state *state)
{
    uint32_t hold = state->hold;
    return hold == 1 || hold == 2 ? &state->holds[hold - 1] : NULL;
}

/* The other one is written, then one store makes it count. With the lock held. */
static void set_hold(struct journal_state *state, struct journal_hold hold)
{
    uint32_t other = state->hold == 1 ? 2 : 1;
    state->holds[other - 1] = hold;
    atomic_store_explicit(&state->hold, other, memory_order_release);
}

void hold_check(struct journal_state *state)
{
    const struct journal_hold *hold = current_hold(state);
    const struct journal_point *point = log_point(state);
    if (hold == NULL || hold->position < point->tail || hold->position > point->head)
        state->hold = 0;
}

/* Who moves the tail has looked at the hold before, and holds the release lock until the tail is where it shall be. */
int journal_hold_begin(struct journal *journal, uint64_t id, int64_t now, struct journal_point *point)
{
    if (pthread_mutex_trylock(&journal->release_lock) != 0)
        return -EAGAIN;
    pthread_mutex_lock(&journal->lock);
    const struct journal_hold *hold = current_hold(journal->state);
    int result = hold != NULL && hold->id != id ? -EBUSY : 0;
    if (result == 0) {
        *point = *log_point(journal->state);
        set_hold(journal->state, (struct journal_hold){.id = id, .position = point->tail, .heard = now});
    }
    pthread_mutex_unlock(&journal->lock);
    pthread_mutex_unlock(&journal->release_lock);
    return result;
}

int journal_hold_move(struct journal *journal, const struct journal_hold *to, struct journal_point *point)
{
    pthread_mutex_lock(&journal->lock);
    const struct journal_hold *hold = current_hold(journal->state);
    *point = *log_point(journal->state);
    int result = hold == NULL || hold->id != to->id ? -ESTALE : 0;
    if (result == 0 && (to->position < hold->position || to->position > point->head))
        result = -EINVAL;
    if (result == 0)
        set_hold(journal->state, *to);
    pthread_mutex_unlock(&journal->lock);
    return result;
}

bool journal_hold_end(struct journal *journal, uint64_t id)
{
    pthread_mutex_lock(&journal->lock);
    const struct journal_hold *hold = current_hold(journal->state);
    bool ends = hold != NULL && hold->id == id;
    if (ends)
        journal->state->hold = 0;
    pthread_mutex_unlock(&journal->lock);
    return ends;
}

bool journal_held(struct journal *journal, struct journal_hold *out)
{
    pthread_mutex_lock(&journal->lock);
    const struct journal_hold *hold = current_hold(journal->state);
    if (hold != NULL)
        *out = *hold;
    pthread_mutex_unlock(&journal->lock);
    return hold != NULL;
}

void journal_where(struct journal *journal, struct journal_point *point)
{
    pthread_mutex_lock(&journal->lock);
    *point = *log_point(journal->state);
    pthread_mutex_unlock(&journal->lock);
}

bool log_is_held(const struct journal *journal)
{
    const struct journal_hold *hold = current_hold(journal->state);
    return hold != NULL && hold->position < log_point(journal->state)->head;
}
