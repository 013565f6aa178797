#include "config.h"

#include "file/checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "file/ahead.h"
#include "file/damage.h"
#include "file/event.h"
#include "file/hold.h"
#include "file/lists.h"
#include "file/metadata.h"
#include "file/page.h"
#include "file/record.h"
#include "file/room.h"
#include "file/sweep.h"
#include "file/told.h"
#include "file/version.h"
#include "log.h"
#include "priority.h"
#include "usdt.h"

#define ROUND_PAGES 8192u
#define ROUND_FILES 256u
#define IDLE_SECONDS 2
#define RETRY_SECONDS 1
#define RETRY_SECONDS_MAX 16
#define BREATH_PAGES 256u
#define RUN_PAGES 1024u /* iovecs of one write */

/* One file's part in a round. */
struct job {
    struct file_index *index;
    struct descriptor *descriptor;
    struct descriptor *direct; /* writes go past the page cache, or every page would be kept twice; NULL: not possible here */
    int fd;                    /* of `direct`, or of `descriptor` */
    int error;
    bool whole; /* all that was committed is in this round: size and times go along */
    struct file_version version;
    uint32_t first, count; /* frames */
};

/* Writes that may go on at once. */
struct batch {
    struct store_write writes[ROUND_PAGES];
    uint32_t owner[ROUND_PAGES]; /* of a write: the job */
    uint32_t count;
};

/* Parts of pages, which go through the page cache, wait until whole pages have gone past it: a folio that becomes dirty meanwhile cannot be
 * dropped when the write behind it has ended, goes on with what was there before, and the file's next sync fails. */
struct round {
    struct job jobs[ROUND_FILES];
    uint32_t job_count;
    struct frame_index *frames[ROUND_PAGES];
    uint32_t frame_count;
    struct batch pages, parts;
    struct iovec iov[ROUND_PAGES];
};

/* Invariant 7: cutting the file gave back blocks of pages that were committed since, or are being committed. */
static int reserve_again(struct files *files, struct job *job, uint64_t cut)
{
    struct file_index *index = job->index;
    const struct file_version *current = &file_truth(files, index)->current;
    bool reserved = false;
    int error;

    if (index->blocks.until > cut)
        index->blocks.until = cut;
    error = file_reserve_blocks(files, index, job->fd, FRAME_COMMITTED, &reserved);
    if (!error)
        error = file_reserve_blocks(files, index, job->fd, FRAME_COMMITTING, &reserved);
    if (!error && current->reserved > cut && fallocate(job->fd, FALLOC_FL_KEEP_SIZE, cut, current->reserved - cut) &&
        errno != EOPNOTSUPP)
        error = -errno;
    return error;
}

/* The store's file is cut where commits truncated it, and then has the size of the last one before pages are written: writes that extend a
 * file wait for each other. The file's lock is held, so that no commit adds a cut between the steps; nothing was written since the cut was
 * made. */
static int fit(struct files *files, struct job *job)
{
    const struct store_operations *store = files->store->operations;
    struct file *file = file_truth(files, job->index);
    const struct file_version *last = &file->commits[job->index->versions.last];
    struct stat stat;
    int error = 0;

    if (fstat(job->fd, &stat))
        return -errno;
    if (file->cut != UINT64_MAX) {
        if ((uint64_t)stat.st_size > file->cut) {
            error = store->truncate(files->store, job->fd, file->cut);
            stat.st_size = file->cut;
        }
        if (error)
            return error;
        error = reserve_again(files, job, file->cut);
        version_cut_done(files, job->index);
    }
    if (!error && last->position && (uint64_t)stat.st_size < last->size)
        error = store->truncate(files->store, job->fd, last->size);
    return error;
}

static void close_job(struct files *files, struct job *job)
{
    if (!job->descriptor)
        return;
    if (job->direct)
        descriptor_put(files->descriptors, job->direct);
    descriptor_put(files->descriptors, job->descriptor);
}

/* One file's frames. */
static void take_frames(struct files *files, struct round *round, uint32_t number)
{
    struct file_index *index = &files->index[number];
    struct job *job = &round->jobs[round->job_count];
    struct file *file = file_truth(files, index);
    struct frame_index *frame;

    *job = (struct job){.index = index, .fd = -1, .first = round->frame_count};
    job->error = file_is_damaged(file) ? -EUCLEAN : file_open(files, index, FRAME_COMMITTED, &job->descriptor);
    if (!job->error)
        job->fd = journal_is_direct(files->journal) && !descriptor_get_direct(files->descriptors, job->descriptor, &job->direct)
                      ? job->direct->fd
                      : job->descriptor->fd;
    file_lock(files, index);
    if (!job->error)
        job->error = fit(files, job);
    frame = TAILQ_FIRST(&index->view.lists[FRAME_COMMITTED]);
    index->versions.writing = frame ? frame_truth(files->frames, frame)->position : 0;
    while (!job->error && round->frame_count < ROUND_PAGES && (frame = TAILQ_FIRST(&index->view.lists[FRAME_COMMITTED]))) {
        page_move(files, index, frame, FRAME_WRITEBACK);
        if (frame_truth(files->frames, frame)->flags & FRAME_HOLE && frame->page << PAGE_SHIFT < index->blocks.until)
            index->blocks.until = frame->page << PAGE_SHIFT;
        round->frames[round->frame_count++] = frame;
    }
    job->count = round->frame_count - job->first;
    job->whole = index->view.counts[FRAME_COMMITTED] == 0;
    job->version = file->commits[index->versions.last];
    pthread_mutex_unlock(&index->lock);
    round->job_count++;
}

static int by_page(const void *a, const void *b)
{
    const struct frame_index *x = *(struct frame_index *const *)a, *y = *(struct frame_index *const *)b;

    if (x->page != y->page)
        return x->page < y->page ? -1 : 1;
    return x->version < y->version ? -1 : x->version > y->version;
}

static int punch(struct files *files, const struct job *job, uint64_t page)
{
    return files->store->operations->punch(files->store, job->fd, page << PAGE_SHIFT, PAGE_BYTES);
}

/* How much of a page lies within the file as of its last commit. The last page's rest is not written: the file would have to be cut again,
 * and would lose what fallocate reserved behind its end. */
static size_t bytes_within(const struct job *job, uint64_t page)
{
    uint64_t start = page << PAGE_SHIFT, size = job->version.position ? job->version.size : UINT64_MAX;

    return size > start && size - start < PAGE_BYTES ? size - start : PAGE_BYTES;
}

/* Sorted by page; of two frames for one page the newer is written; neighbours make one write. A part of a page cannot go past the page
 * cache. */
static void plan(struct files *files, struct round *round, uint32_t number)
{
    struct job *job = &round->jobs[number];
    struct frame_index **frames = round->frames + job->first;
    struct store_write *write = NULL;
    struct batch *batch;

    qsort(frames, job->count, sizeof *frames, by_page);
    for (uint32_t i = 0; i < job->count && !job->error; i++) {
        uint64_t page = frames[i]->page;
        struct iovec *iov = &round->iov[job->first + i];

        if (i + 1 < job->count && frames[i + 1]->page == page)
            continue;
        if (frame_truth(files->frames, frames[i])->flags & FRAME_HOLE) {
            job->error = punch(files, job, page);
            if (job->error != -EOPNOTSUPP && job->error != -ENOSYS)
                continue;
            job->error = 0; /* where nothing can be punched, the frame's zeros are written */
        }
        *iov = (struct iovec){frame_memory(files->frames, frames[i]), bytes_within(job, page)};
        if (write && iov->iov_len == PAGE_BYTES &&
            (uint64_t)write->offset + (uint64_t)write->iovcnt * PAGE_BYTES == page << PAGE_SHIFT &&
            iov == write->iov + write->iovcnt && write->iovcnt < (int)RUN_PAGES) {
            write->iovcnt++;
            continue;
        }
        batch = iov->iov_len == PAGE_BYTES ? &round->pages : &round->parts;
        write = &batch->writes[batch->count];
        *write = (struct store_write){
            .fd = batch == &round->pages ? job->fd : job->descriptor->fd, .offset = page << PAGE_SHIFT, .iov = iov, .iovcnt = 1};
        batch->owner[batch->count++] = number;
    }
}

/* Size and times of the commit, after its pages; unless a newer one has come, which has its own. The file's lock is held. */
static int apply_version(struct files *files, struct job *job)
{
    const struct store_operations *store = files->store->operations;
    struct timespec times[2] = {time_unpack(job->version.atime), time_unpack(job->version.mtime)};
    struct stat stat;
    int error = 0;

    job->whole = job->whole && file_truth(files, job->index)->commits[job->index->versions.last].position == job->version.position;
    if (!job->whole || !job->version.position)
        return 0;
    if (fstat(job->fd, &stat))
        return -errno;
    if ((uint64_t)stat.st_size != job->version.size) {
        error = store->truncate(files->store, job->fd, job->version.size);
        error = error ? error : reserve_again(files, job, job->version.size);
    }
    return error ? error : store->set_times(files->store, job->fd, times);
}

static void end_job(struct files *files, struct round *round, struct job *job)
{
    struct file_index *index = job->index;
    struct file *file = file_truth(files, index);
    char text[INODE_TEXT_BYTES];

    file_lock(files, index);
    if (file_is_damaged(file)) /* found meanwhile */
        job->error = -EUCLEAN;
    index->view.moved++;
    for (uint32_t i = 0; i < job->count; i++) { /* backwards: those that failed go to the head, the oldest of a page first */
        struct frame_index *frame = round->frames[job->first + job->count - 1 - i];

        if (job->error && !(frame_truth(files->frames, frame)->flags & FRAME_VOID)) { /* invariant 6 */
            page_set_failed(index, frame, true);
            page_move(files, index, frame, FRAME_COMMITTED);
            TAILQ_REMOVE(&index->view.lists[FRAME_COMMITTED], frame, link);
            TAILQ_INSERT_HEAD(&index->view.lists[FRAME_COMMITTED], frame, link);
        } else {
            page_move(files, index, frame, FRAME_FREE);
        }
        if (i % BREATH_PAGES == BREATH_PAGES - 1) { /* let writers in */
            pthread_mutex_unlock(&index->lock);
            file_lock(files, index);
        }
    }
    if (job->error) {
        file->error = -job->error;
        version_not_stored(files, index);
        atomic_fetch_add(&files->arena->header->counters.write_errors, 1);
        log_limited(&files->error_logged, "%s: cannot be written to the store: %s; its pages are kept and tried again",
                    inode_text(files->inodes, file->inode, text), strerror(-job->error));
    } else {
        if (!index->view.failed && !file_is_damaged(file))
            file->error = 0;
        if (job->whole && job->version.position)
            version_stored(files, index, &job->version);
        atomic_fetch_add_explicit(&files->arena->header->counters.pages_checkpointed, job->count, memory_order_relaxed);
    }
    index->versions.writing = 0;
    version_settle(files, index);
    pthread_mutex_unlock(&index->lock);
    if (job->fd >= 0)
        told_settle(files, index, job->fd);
    close_job(files, job);
    file_put(files, index - files->index); /* list_take() held it */
}

/* ---- rounds ---- */

static bool is_any(const struct files *files, struct file_index *index, int64_t argument)
{
    (void)files, (void)index, (void)argument;
    return true;
}

static void take_files(struct files *files, struct round *round)
{
    uint32_t numbers[ROUND_FILES], max = files->descriptors->limit / 8; /* each takes two of the quarter that is ours */
    uint32_t count = list_take(files, LIST_COMMITTED, numbers, max < ROUND_FILES ? max + 1 : ROUND_FILES, is_any, 0);

    for (uint32_t i = 0; i < count; i++) {
        if (round->frame_count < ROUND_PAGES)
            take_frames(files, round, numbers[i]);
        else
            file_put(files, numbers[i]);
    }
}

/* With many files one sync of their file system costs less than one of each. Where it fails, each tells for itself. */
static void sync_jobs(struct files *files, struct round *round)
{
    const struct store_operations *store = files->store->operations;
    bool together = round->job_count > SYNC_EACH && store->sync_all && !store->sync_all(files->store, files->inodes->store);
    bool flushed = false;

    for (uint32_t i = 0; i < round->job_count; i++) {
        struct job *job = &round->jobs[i];

        if (job->error || (together && flushed))
            continue;
        job->error = store->sync(files->store, job->fd);
        flushed = !job->error;
    }
}

static void write_batch(struct files *files, struct round *round, struct batch *batch)
{
    if (batch->count)
        files->store->operations->write(files->store, batch->writes, batch->count);
    for (uint32_t i = 0; i < batch->count; i++) {
        struct job *job = &round->jobs[batch->owner[i]];

        if (batch->writes[i].result && !job->error)
            job->error = batch->writes[i].result;
    }
}

static void tell_round(struct files *files, const struct round *round, int64_t began)
{
    if (round->job_count)
        event_tell(files, MAPSHARE_ABI_CHECKPOINT, round->frame_count, clock_nanoseconds() - began);
}

/* Returns the first error. `more`: something committed is left. */
static int do_round(struct files *files, struct round *round, bool *more)
{
    int64_t began = clock_nanoseconds();
    int error = 0;

    round->job_count = round->frame_count = round->pages.count = round->parts.count = 0;
    take_files(files, round);
    USDT(checkpoint__begin, round->job_count, round->frame_count);
    for (uint32_t i = 0; i < round->job_count; i++)
        plan(files, round, i);
    write_batch(files, round, &round->pages);
    write_batch(files, round, &round->parts);
    for (uint32_t i = 0; i < round->job_count; i++) {
        struct job *job = &round->jobs[i];

        if (job->error)
            continue;
        file_lock(files, job->index);
        job->error = apply_version(files, job);
        pthread_mutex_unlock(&job->index->lock);
    }
    sync_jobs(files, round);
    for (uint32_t i = 0; i < round->job_count; i++) {
        if (round->jobs[i].error && !error)
            error = round->jobs[i].error;
        end_job(files, round, &round->jobs[i]);
    }
    if (tail_move(files) && !error)
        error = -EIO;
    USDT(checkpoint__end, round->frame_count, error);
    tell_round(files, round, began);
    *more = !list_is_empty(files, LIST_COMMITTED);
    return error;
}

int checkpoint_all(struct files *files)
{
    struct round *round = malloc(sizeof *round);
    bool more = true;
    int error = round ? 0 : -ENOMEM;

    hold_end(files);
    while (more && !error)
        error = do_round(files, round, &more);
    free(round);
    return error;
}

bool checkpoint_is_due(struct files *files)
{
    return journal_used(files->journal) > journal_size(files->journal) / 2;
}

static bool under_pressure(struct files *files)
{
    return checkpoint_is_due(files) || frame_is_short(files->frames, 3);
}

static bool streams_are_unwanted(struct files *files)
{
    return wish_take(&files->wishes, WISH_NO_STREAMS) || journal_used(files->journal) > journal_size(files->journal) / 4 * 3;
}

/* What was committed again leaves the journal without being written; where that frees nothing, or not enough, there is a round. */
static int step(struct files *files, struct round *round, bool *more)
{
    uint64_t tail = files->tail.released;
    int error;

    *more = false;
    if (streams_are_unwanted(files)) {
        ahead_abandon_all(files);
        hold_give_way(files);
    }
    if (checkpoint_is_due(files))
        damage_give_up(files);
    error = tail_move(files);
    room_make(files, checkpoint_is_due(files));
    if (!error && (tail == files->tail.released || under_pressure(files)))
        error = do_round(files, round, more);
    sweep(files);
    wish_round_ended(&files->wishes, error);
    return error;
}

void *checkpoint_thread(void *argument)
{
    struct files *files = argument;
    struct round *round;
    int error = 0, pause = RETRY_SECONDS;

    priority_usual();
    while (!(round = malloc(sizeof *round)))
        sleep(RETRY_SECONDS);
    while (wish_wait(&files->wishes, WISH_CHECKPOINT, (error ? pause : IDLE_SECONDS) * 1000000000l)) {
        bool more = true;

        while (more) {
            uint64_t commits = files->arena->header->counters.commits;

            error = step(files, round, &more);
            more = more && !error && (under_pressure(files) || commits == files->arena->header->counters.commits);
        }
        pause = error && pause < RETRY_SECONDS_MAX ? pause * 2 : RETRY_SECONDS;
    }
    free(round);
    return NULL;
}
