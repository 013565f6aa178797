/* What the threads of the background are asked to do: wake them, wait for them. */
#ifndef FILE_WISHES_H
#define FILE_WISHES_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "latency.h"

enum wish {
    WISH_FLUSH = 1 << 0,      /* commit by age and memory */
    WISH_CHECKPOINT = 1 << 1, /* make room in the journal, or free frames */
    WISH_NO_STREAMS = 1 << 2, /* a commit found no room: what was journaled ahead of others is in its way */
    WISH_JOURNAL = 1 << 3,    /* a larger one: a change found no room in it */
};

struct wishes {
    pthread_mutex_t lock; /* guards all; a leaf */
    pthread_cond_t work;  /* a wish came */
    pthread_cond_t room;  /* a checkpoint round ended */
    unsigned wanted;      /* of enum wish */
    bool stopping;
    uint64_t rounds; /* of checkpoint, ended */
    int round_error; /* of the last one */
    struct latency *stalls;
};

/* `stalls`: waits for room are counted there. */
void wishes_open(struct wishes *wishes, struct latency *stalls);
void wish(struct wishes *wishes, unsigned wanted);
/* Waits for one of `mine`, and takes it, or for the time. False when the thread shall end. */
bool wish_wait(struct wishes *wishes, unsigned mine, int64_t nanoseconds);
/* Takes a wish that nobody waits for. */
bool wish_take(struct wishes *wishes, enum wish mine);
/* All threads of the background end. */
void wishes_stop(struct wishes *wishes);

/* Asks for a round and waits until one has ended: its error; -ENOSPC when there will be none. */
int wish_round(struct wishes *wishes, unsigned wanted);
void wish_round_ended(struct wishes *wishes, int error);

#endif
