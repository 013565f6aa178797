#include "config.h"

#include "file/tail.h"

#include <assert.h>
#include <errno.h>
#include <unistd.h>

#include "file/file.h"

void tail_open(struct tail *tail, const struct journal_state *state, bool dropped)
{
    const struct journal_point *point = &state->points[state->current % 2];

    pthread_mutex_init(&tail->lock, NULL);
    tail->places[tail->end++] = (struct commit_place){point->tail, point->tail_number};
    if (point->head != point->tail)
        tail->places[tail->end++] = (struct commit_place){point->head, point->next_number};
    tail->released = point->tail;
    tail->ended = point->head;
    tail->dropped = dropped;
}

void tail_remember(struct tail *tail, const struct journal_chunk *chunk)
{
    pthread_mutex_lock(&tail->lock);
    if (tail->end - tail->first == COMMIT_PLACES) { /* full: the second oldest's space is freed with the next one's */
        tail->places[(tail->first + 1) % COMMIT_PLACES] = tail->places[tail->first % COMMIT_PLACES];
        tail->first++;
    }
    tail->places[tail->end++ % COMMIT_PLACES] = (struct commit_place){chunk->position + chunk->length, chunk->number + 1};
    pthread_mutex_unlock(&tail->lock);
}

uint64_t tail_head(struct tail *tail)
{
    uint64_t head;

    pthread_mutex_lock(&tail->lock);
    head = tail->places[(tail->end - 1) % COMMIT_PLACES].position;
    pthread_mutex_unlock(&tail->lock);
    return head;
}

/* A stream whose place is not known yet may be anywhere behind the tail. */
static uint64_t earlier(uint64_t least, uint64_t position, uint64_t released)
{
    position = position ? position : released;
    return position < least ? position : least;
}

static uint64_t least_needed(struct files *files)
{
    struct file_index *index;
    uint64_t least = UINT64_MAX;

    pthread_mutex_lock(&files->lists_lock);
    TAILQ_FOREACH (index, &files->lists[LIST_COMMITTED], listed[LIST_COMMITTED].link)
        least = index->versions.needed < least ? index->versions.needed : least;
    TAILQ_FOREACH (index, &files->lists[LIST_DAMAGED], listed[LIST_DAMAGED].link) {
        if (!(file_truth(files, index)->flags & FILE_GIVEN_UP) && index->versions.needed < least)
            least = index->versions.needed;
    }
    TAILQ_FOREACH (index, &files->lists[LIST_CHANGED], listed[LIST_CHANGED].link) {
        if (index->stream.number)
            least = earlier(least, index->stream.position, files->tail.released);
    }
    pthread_mutex_unlock(&files->lists_lock);
    return least;
}

/* The last place that is not behind `needed`. Only commits whose files know of them are looked at, and they are counted before the files
 * are asked, so that one made meanwhile is never passed over. */
static struct commit_place find_place(struct files *files)
{
    struct tail *tail = &files->tail;
    struct journal_hold hold;
    struct commit_place place;
    uint64_t end, needed;

    pthread_mutex_lock(&tail->lock);
    end = tail->end;
    pthread_mutex_unlock(&tail->lock);
    needed = least_needed(files);
    assert(tail->released <= needed); /* invariant 4 */
    if (journal_held(files->journal, &hold) && hold.position < needed)
        needed = hold.position;
    pthread_mutex_lock(&tail->lock);
    while (tail->first + 1 < end && tail->places[(tail->first + 1) % COMMIT_PLACES].position <= needed)
        tail->first++;
    place = tail->places[tail->first % COMMIT_PLACES];
    pthread_mutex_unlock(&tail->lock);
    return place;
}

int tail_move(struct files *files)
{
    struct tail *tail = &files->tail;
    struct commit_place place = find_place(files);
    int error;

    if (place.position <= tail->released)
        return 0;
    if (atomic_exchange(&tail->dropped, false) &&
        syncfs(files->inodes->store)) { /* or a crash brings the name back with old content */
        tail->dropped = true;
        return -errno;
    }
    error = journal_release(files->journal, place.position, place.number);
    if (!error) /* or it is tried again */
        tail->released = place.position;
    return error;
}
