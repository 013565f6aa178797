#include "config.h"

#include "file/record.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/xattr.h>

#include "file/relate.h"
#include "mapshare-abi.h"

void file_index_start(struct file_index *index)
{
    if (!index->started)
        index->lock = (pthread_mutex_t)PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP; /* held for a moment: who waits spins first */
    memset((char *)index + offsetof(struct file_index, started), 0, sizeof *index - offsetof(struct file_index, started));
    index->started = true;
    index->versions.needed = UINT64_MAX;
    RB_INIT(&index->view.tree);
    TAILQ_INIT(&index->snapshots.list);
    RB_INIT(&index->snapshots.kept);
    for (int state = 0; state < FRAME_STATES; state++)
        TAILQ_INIT(&index->view.lists[state]);
}

/* Written whole before the inode names it; until then it is free, whatever it says. */
static void write_record(struct files *files, uint32_t number, uint32_t inode, const struct stat *stat, uint64_t before,
                         bool atomic)
{
    struct file *file = &files->arena->files[number];

    memset(file, 0, sizeof *file);
    file->current = (struct file_version){
        .size = stat->st_size,
        .void_from = UINT64_MAX,
        .atime = time_pack(stat->st_atim),
        .mtime = time_pack(stat->st_mtim),
        .ctime = time_pack(stat->st_ctim),
    };
    file->commits[0] = file->current;
    file->cut = UINT64_MAX;
    file->before = before;
    file->flags = atomic ? FILE_ATOMIC : 0;
    file_index_start(&files->index[number]);
    atomic_store(&file->inode, inode);
    atomic_store(&files->arena->inodes[inode].file, number);
}

/* The store is asked before the lock is taken; what may change until then, size and times, is read under it and takes no disk. */
static uint32_t make(struct files *files, uint32_t inode, int *error)
{
    struct descriptor *descriptor;
    struct stat stat;
    uint32_t number;
    char atomic = '0';
    uint64_t before;

    *error = descriptor_get(files->descriptors, inode, &descriptor);
    if (*error)
        return 0;
    if (fgetxattr(descriptor->fd, MAPSHARE_XATTR_ATOMIC, &atomic, 1) != 1)
        atomic = '0';
    before = journal_sequence(files->journal);
    pthread_mutex_lock(&files->record_lock);
    number = files->arena->inodes[inode].file;
    if (!number && fstat(descriptor->fd, &stat)) {
        *error = -errno;
    } else if (!number) {
        number = slots_take(&files->slots);
        *error = number ? 0 : -ENFILE;
        if (number)
            write_record(files, number, inode, &stat, before, files->options->atomic || atomic == '1');
    }
    pthread_mutex_unlock(&files->record_lock);
    if (number)
        file_learn_blocks(files, number, descriptor->fd);
    descriptor_put(files->descriptors, descriptor);
    return number;
}

uint32_t file_of(struct files *files, uint32_t inode, bool wanted, int *error)
{
    uint32_t number = atomic_load(&files->arena->inodes[inode].file);

    *error = 0;
    return number || !wanted ? number : make(files, inode, error);
}

int file_open(struct files *files, struct file_index *index, enum frame_state state, struct descriptor **descriptor)
{
    uint32_t inode = file_truth(files, index)->inode;
    bool has;

    file_lock(files, index);
    has = index->view.counts[state];
    pthread_mutex_unlock(&index->lock);
    return has ? descriptor_get_writable(files->descriptors, inode, descriptor)
               : descriptor_get(files->descriptors, inode, descriptor);
}

bool file_is_in_journal(struct files *files, uint32_t inode)
{
    uint32_t number = files->arena->inodes[inode].file;
    struct file_index *index = &files->index[number];
    bool is;

    if (files->tail.ended > files->tail.released || !journal_is_fenced(files->journal))
        return true;
    if (!number)
        return false;
    file_lock(files, index);
    is = index->versions.committing || files->arena->files[number].published >= files->tail.released;
    pthread_mutex_unlock(&index->lock);
    return is;
}

/* Nothing may be left of it: each list and each user held it. */
static void check_ended(const struct file_index *index)
{
    assert(!index->listed[LIST_CHANGED].on && !index->listed[LIST_COMMITTED].on && !index->listed[LIST_DAMAGED].on);
    assert(!index->versions.committing && RB_EMPTY(&index->view.tree));
    for (int state = FRAME_RECEIVED; state < FRAME_STATES; state++)
        assert(TAILQ_EMPTY(&index->view.lists[state]));
}

static int record_ended(void *context, uint32_t inode, uint32_t number)
{
    struct files *files = context;

    if (number) {
        struct file *file = &files->arena->files[number];

        check_ended(&files->index[number]);
        if (file->published >= files->tail.released)
            files->tail.ended = tail_head(&files->tail);
        file->published = file->commits[0].sequence = file->commits[1].sequence = 0; /* relate.c: it is not amid its life */
        pthread_mutex_lock(&files->record_lock);
        slots_give(&files->slots, number);
        pthread_mutex_unlock(&files->record_lock);
    }
    return descriptor_detach(files->descriptors, inode);
}

uint32_t records_take_over(struct files *files)
{
    pthread_mutex_init(&files->record_lock, NULL);
    files->inodes->ended = record_ended;
    files->inodes->context = files;
    return records_relate(files);
}
