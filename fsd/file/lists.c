#include "config.h"

#include "file/lists.h"

void lists_open(struct files *files)
{
    pthread_mutex_init(&files->lists_lock, NULL);
    for (int name = 0; name < LISTS; name++)
        TAILQ_INIT(&files->lists[name]);
}

void list_set(struct files *files, struct file_index *index, enum file_list_name name, bool on)
{
    if (on == index->listed[name].on || (on && name != LIST_DAMAGED && file_is_damaged(file_truth(files, index))))
        return;
    if (on)
        file_hold(files, index - files->index);
    pthread_mutex_lock(&files->lists_lock);
    index->listed[name].on = on;
    if (on)
        TAILQ_INSERT_TAIL(&files->lists[name], index, listed[name].link);
    else
        TAILQ_REMOVE(&files->lists[name], index, listed[name].link);
    pthread_mutex_unlock(&files->lists_lock);
    if (!on)
        file_put(files, index - files->index);
}

uint32_t list_take(struct files *files, enum file_list_name name, uint32_t *numbers, uint32_t most, list_filter *wanted,
                   int64_t argument)
{
    struct file_index *index;
    uint32_t count = 0;

    pthread_mutex_lock(&files->lists_lock);
    TAILQ_FOREACH (index, &files->lists[name], listed[name].link) {
        if (count == most)
            break;
        if (wanted(files, index, argument))
            numbers[count++] = index - files->index;
    }
    for (uint32_t i = 0; i < count; i++) {
        index = &files->index[numbers[i]];
        file_hold(files, numbers[i]);
        TAILQ_REMOVE(&files->lists[name], index, listed[name].link);
        TAILQ_INSERT_TAIL(&files->lists[name], index, listed[name].link);
    }
    pthread_mutex_unlock(&files->lists_lock);
    return count;
}

uint32_t list_length(struct files *files, enum file_list_name name)
{
    struct file_index *index;
    uint32_t length = 0;

    pthread_mutex_lock(&files->lists_lock);
    TAILQ_FOREACH (index, &files->lists[name], listed[name].link)
        length++;
    pthread_mutex_unlock(&files->lists_lock);
    return length;
}

bool list_is_empty(struct files *files, enum file_list_name name)
{
    bool empty;

    pthread_mutex_lock(&files->lists_lock);
    empty = TAILQ_EMPTY(&files->lists[name]);
    pthread_mutex_unlock(&files->lists_lock);
    return empty;
}
