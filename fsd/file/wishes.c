#include "config.h"

#include "file/wishes.h"

#include <errno.h>

#include "clock.h"

void wishes_open(struct wishes *wishes, struct latency *stalls)
{
    *wishes = (struct wishes){
        .stalls = stalls, .lock = PTHREAD_MUTEX_INITIALIZER, .work = PTHREAD_COND_INITIALIZER, .room = PTHREAD_COND_INITIALIZER};
}

void wish(struct wishes *wishes, unsigned wanted)
{
    pthread_mutex_lock(&wishes->lock);
    wishes->wanted |= wanted;
    pthread_cond_broadcast(&wishes->work);
    pthread_mutex_unlock(&wishes->lock);
}

bool wish_wait(struct wishes *wishes, unsigned mine, int64_t nanoseconds)
{
    struct timespec until = clock_after(nanoseconds);
    bool go_on;
    int error = 0;

    pthread_mutex_lock(&wishes->lock);
    while (!(wishes->wanted & mine) && !wishes->stopping && !error)
        error = clock_wait(&wishes->work, &wishes->lock, &until);
    wishes->wanted &= ~mine;
    go_on = !wishes->stopping;
    pthread_mutex_unlock(&wishes->lock);
    return go_on;
}

bool wish_take(struct wishes *wishes, enum wish mine)
{
    bool wanted;

    pthread_mutex_lock(&wishes->lock);
    wanted = wishes->wanted & mine;
    wishes->wanted &= ~(unsigned)mine;
    pthread_mutex_unlock(&wishes->lock);
    return wanted;
}

void wishes_stop(struct wishes *wishes)
{
    pthread_mutex_lock(&wishes->lock);
    wishes->stopping = true;
    pthread_cond_broadcast(&wishes->work);
    pthread_cond_broadcast(&wishes->room);
    pthread_mutex_unlock(&wishes->lock);
}

int wish_round(struct wishes *wishes, unsigned wanted)
{
    uint64_t before, begun = clock_nanoseconds();
    int error;

    pthread_mutex_lock(&wishes->lock);
    before = wishes->rounds;
    wishes->wanted |= wanted;
    pthread_cond_broadcast(&wishes->work);
    while (wishes->rounds == before && !wishes->stopping)
        pthread_cond_wait(&wishes->room, &wishes->lock);
    error = wishes->stopping ? -ENOSPC : wishes->round_error;
    pthread_mutex_unlock(&wishes->lock);
    latency_add(wishes->stalls, begun);
    return error;
}

void wish_round_ended(struct wishes *wishes, int error)
{
    pthread_mutex_lock(&wishes->lock);
    wishes->rounds++;
    wishes->round_error = error;
    pthread_cond_broadcast(&wishes->room);
    pthread_mutex_unlock(&wishes->lock);
}
