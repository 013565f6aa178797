#include "config.h"

#include "file/lists.h"

#include "file/record.h"

void lists_open(struct files *files)
{
    pthread_mutex_init(&files->lists_lock, NULL);
    TAILQ_INIT(&files->changed);
    TAILQ_INIT(&files->checkpoint);
}

void list_changed(struct files *files, struct file_index *index, bool on)
{
    if (on == index->on_changed)
        return;
    if (on)
        file_hold(files, index - files->index);
    pthread_mutex_lock(&files->lists_lock);
    index->on_changed = on;
    if (on)
        TAILQ_INSERT_TAIL(&files->changed, index, changed_link);
    else
        TAILQ_REMOVE(&files->changed, index, changed_link);
    pthread_mutex_unlock(&files->lists_lock);
    if (!on)
        file_put(files, index - files->index);
}

void list_checkpoint(struct files *files, struct file_index *index, bool on)
{
    if (on == index->on_checkpoint)
        return;
    if (on)
        file_hold(files, index - files->index);
    pthread_mutex_lock(&files->lists_lock);
    index->on_checkpoint = on;
    if (on)
        TAILQ_INSERT_TAIL(&files->checkpoint, index, checkpoint_link);
    else
        TAILQ_REMOVE(&files->checkpoint, index, checkpoint_link);
    pthread_mutex_unlock(&files->lists_lock);
    if (!on)
        file_put(files, index - files->index);
}

uint32_t list_changed_take(struct files *files, uint32_t *numbers, uint32_t most, list_filter *wanted, int64_t argument)
{
    struct file_index *index;
    uint32_t count = 0;

    pthread_mutex_lock(&files->lists_lock);
    TAILQ_FOREACH (index, &files->changed, changed_link) {
        if (count == most)
            break;
        if (wanted(files, index, argument))
            numbers[count++] = index - files->index;
    }
    for (uint32_t i = 0; i < count; i++) {
        file_hold(files, numbers[i]);
        TAILQ_REMOVE(&files->changed, &files->index[numbers[i]], changed_link);
        TAILQ_INSERT_TAIL(&files->changed, &files->index[numbers[i]], changed_link);
    }
    pthread_mutex_unlock(&files->lists_lock);
    return count;
}

uint32_t list_checkpoint_take(struct files *files, uint32_t *numbers, uint32_t most, list_filter *wanted, int64_t argument)
{
    struct file_index *index;
    uint32_t count = 0;

    pthread_mutex_lock(&files->lists_lock);
    TAILQ_FOREACH (index, &files->checkpoint, checkpoint_link) {
        if (count == most)
            break;
        if (wanted(files, index, argument))
            numbers[count++] = index - files->index;
    }
    for (uint32_t i = 0; i < count; i++) {
        file_hold(files, numbers[i]);
        TAILQ_REMOVE(&files->checkpoint, &files->index[numbers[i]], checkpoint_link);
        TAILQ_INSERT_TAIL(&files->checkpoint, &files->index[numbers[i]], checkpoint_link);
    }
    pthread_mutex_unlock(&files->lists_lock);
    return count;
}

bool list_checkpoint_is_empty(struct files *files)
{
    bool empty;

    pthread_mutex_lock(&files->lists_lock);
    empty = TAILQ_EMPTY(&files->checkpoint);
    pthread_mutex_unlock(&files->lists_lock);
    return empty;
}
