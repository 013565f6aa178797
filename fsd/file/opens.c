/* Who has the file open, and who denies others to. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>

#include "file/file.h"

void file_count_handle(struct files *files, uint32_t number, const struct handle *handle, int change)
{
    struct file_index *index = &files->index[number];
    int mode = handle->flags & O_ACCMODE;

    pthread_mutex_lock(&files->opens_lock);
    index->opens.writers += mode == O_RDONLY ? 0 : change;
    index->opens.mappers += mode == O_RDWR ? change : 0;
    index->opens.deniers += handle->deny ? change : 0;
    pthread_mutex_unlock(&files->opens_lock);
}

int file_deny(struct files *files, uint32_t number, struct handle *handle, bool deny)
{
    struct file_index *index = &files->index[number];
    uint32_t own = (handle->flags & O_ACCMODE) != O_RDONLY;
    int error = 0;

    pthread_mutex_lock(&files->opens_lock);
    if (deny && index->opens.writers > own) /* the asking one does not count */
        error = -ETXTBSY;
    if (!error && deny != (bool)handle->deny) {
        handle->deny = deny;
        index->opens.deniers += deny ? 1 : -1;
    }
    pthread_mutex_unlock(&files->opens_lock);
    return error;
}

bool file_denies(struct files *files, uint32_t number)
{
    bool denies;

    pthread_mutex_lock(&files->opens_lock);
    denies = files->index[number].opens.deniers > 0;
    pthread_mutex_unlock(&files->opens_lock);
    return denies;
}

bool file_may_be_mapped(struct files *files, uint32_t number)
{
    bool may;

    if (!number)
        return false;
    pthread_mutex_lock(&files->opens_lock);
    may = files->index[number].opens.mappers > 0;
    pthread_mutex_unlock(&files->opens_lock);
    return may;
}
