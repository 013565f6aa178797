#include "config.h"

#include "file/snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "file/committed.h"
#include "file/damage.h"
#include "file/page.h"
#include "file/record.h"

int snapshots_open(struct files *files)
{
    struct snapshots *all = &files->snapshots;
    uint64_t max = files->options->snapshot_size >> PAGE_SHIFT;

    pthread_mutex_init(&all->lock, NULL);
    TAILQ_INIT(&all->ended);
    all->fd = -1;
    all->all = mmap(NULL, (max + 1) * sizeof *all->all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (all->all == MAP_FAILED)
        return -errno;
    return slots_open(&all->slots, &all->used, max);
}

int snapshot_take(struct files *files, uint32_t number, struct user *user, struct snapshot **out)
{
    struct file_index *index = &files->index[number];
    const struct file *file = file_truth(files, index);
    struct snapshot *snapshot = calloc(1, sizeof *snapshot);

    if (!snapshot)
        return -ENOMEM;
    snapshot->file = number;
    snapshot->user = user;
    snapshot->references = 1;
    TAILQ_INIT(&snapshot->kept);
    file_lock(files, index);
    snapshot->count = index->versions.count;
    snapshot->size = file->commits[index->versions.last].size;
    TAILQ_INSERT_TAIL(&index->snapshots.list, snapshot, link);
    index->snapshots.count++;
    pthread_mutex_unlock(&index->lock);
    file_hold(files, number);
    *out = snapshot;
    return 0;
}

/* ---- reading ---- */

_Static_assert(SNAPSHOT_BYTES == (size_t)COMMITTED_BATCH << PAGE_SHIFT, "one batch");

/* Where the pages from `first` on are kept. -ESTALE: it is over. */
static int find_kept(struct files *files, struct snapshot *snapshot, uint64_t first, uint32_t count, uint32_t *slots)
{
    struct file_index *index = &files->index[snapshot->file];
    int error;

    file_lock(files, index);
    error = file_is_damaged(file_truth(files, index)) ? -EUCLEAN : snapshot->is_over ? -ESTALE : 0;
    for (uint32_t i = 0; i < count && !error; i++)
        slots[i] = kept_find(files, index, first + i, snapshot->count);
    pthread_mutex_unlock(&index->lock);
    return error;
}

/* Runs of pages that were not kept. */
static int read_committed(struct files *files, struct snapshot *snapshot, uint64_t first, uint32_t count, const uint32_t *slots,
                          unsigned char *to)
{
    struct file_index *index = &files->index[snapshot->file];
    struct descriptor *descriptor;
    uint64_t pages[COMMITTED_BATCH];
    int error = descriptor_get(files->descriptors, file_truth(files, index)->inode, &descriptor);

    if (error)
        return error;
    for (uint32_t i = 0, n; i < count && !error; i += n ? n : 1) {
        for (n = 0; i + n < count && !slots[i + n]; n++)
            pages[n] = first + i + n;
        if (n)
            error = committed_load(files, index, descriptor->fd, pages, n, to + (size_t)i * PAGE_BYTES);
    }
    descriptor_put(files->descriptors, descriptor);
    return error;
}

static int read_kept(struct files *files, uint32_t count, const uint32_t *slots, unsigned char *to)
{
    ssize_t done = PAGE_BYTES;

    for (uint32_t i = 0, end; i < count && done > 0; i = end) {
        for (end = i + 1; end < count && slots[i] && slots[end] == slots[end - 1] + 1; end++)
            ;
        if (slots[i])
            done =
                store_read(files->snapshots.fd, to + (size_t)i * PAGE_BYTES, (size_t)(end - i) * PAGE_BYTES, kept_offset(slots[i]));
    }
    return done < 0 ? done : 0;
}

/* What a commit replaces while it is read here was kept before, so it is looked for once more; and what was kept may be given back when the snapshot is
 * over. */
static int read_pages(struct files *files, struct snapshot *snapshot, uint64_t first, uint32_t count, unsigned char *to)
{
    uint32_t slots[COMMITTED_BATCH];
    int error = find_kept(files, snapshot, first, count, slots);

    if (!error)
        error = read_committed(files, snapshot, first, count, slots, to);
    if (!error)
        error = find_kept(files, snapshot, first, count, slots);
    if (!error)
        error = read_kept(files, count, slots, to);
    return error ? error : find_kept(files, snapshot, first, 0, slots);
}

ssize_t snapshot_read(struct files *files, struct snapshot *snapshot, unsigned char *buffer, size_t size, uint64_t offset)
{
    size_t within = WITHIN(offset);
    uint64_t left = offset < snapshot->size ? snapshot->size - offset : 0;
    int error;

    if (size > SNAPSHOT_BYTES - within)
        size = SNAPSHOT_BYTES - within;
    if (size > left)
        size = left;
    if (!size)
        return 0;
    error = read_pages(files, snapshot, PAGE_OF(offset), PAGE_OF(within + size + PAGE_BYTES - 1), buffer);
    if (error)
        return error;
    memmove(buffer, buffer + within, size);
    return size;
}

/* ---- the end ---- */

static void put(struct snapshot *snapshot)
{
    if (atomic_fetch_sub(&snapshot->references, 1) == 1)
        free(snapshot);
}

void snapshot_close(struct files *files, struct snapshot *snapshot)
{
    struct file_index *index = &files->index[snapshot->file];
    uint32_t number = snapshot->file;

    file_lock(files, index);
    snapshot->is_over = true;
    pthread_mutex_unlock(&index->lock);
    kept_disown(files, snapshot);
    put(snapshot);
    file_put(files, number);
}

void snapshots_sweep(struct files *files)
{
    struct snapshots *all = &files->snapshots;
    struct snapshot *snapshot;

    do {
        pthread_mutex_lock(&all->lock);
        snapshot = TAILQ_FIRST(&all->ended);
        if (snapshot)
            TAILQ_REMOVE(&all->ended, snapshot, ended);
        pthread_mutex_unlock(&all->lock);
        if (snapshot) {
            kept_disown(files, snapshot);
            put(snapshot);
        }
    } while (snapshot);
}
