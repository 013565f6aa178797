#include "config.h"

#include "backup/source.h"

#include "mapshare-abi.h"
#include "message.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define PAUSE_MICROSECONDS 2000
#define COPY_PAUSE_MICROSECONDS 10000 /* else as many questions and reads of the disk as there are commits */
#define TRIES 5000                    /* ten seconds */
#define PIECE_BYTES (1u << 20)

static int ask(const struct backup_source *source, struct mapshare_abi_backup *backup)
{
    return ioctl(source->root, MAPSHARE_IOC_BACKUP, backup) < 0 ? -errno : 0;
}

static int tell(const struct backup_source *source, int error)
{
    switch (error) {
    case -EPERM:
        message("%s: only root and the mount's owner may back it up", quoted(source->mount));
        break;
    case -ENOTTY:
    case -ENOSYS:
    case -EINVAL:
        message("%s: its daemon knows nothing of backups; 'mapshare upgrade' may help", quoted(source->mount));
        break;
    case -EROFS:
        message("%s: mounted read-only: nothing changes in its store, which can be copied", quoted(source->mount));
        break;
    case -EBUSY:
        message("%s: another backup of it is being made; try again later", quoted(source->mount));
        break;
    case -EAGAIN:
    case -ESTALE:
        message("%s: more was written than the journal holds while it was copied; mount with a larger journal_size=, or try again "
                "when less is written",
                quoted(source->mount));
        break;
    default:
        message_error(source->mount, error);
    }
    return -1;
}

int backup_source_check(const struct backup_source *source)
{
    return source->error ? tell(source, source->error) : 0;
}

/* Tells how far the journal is copied, and copies a piece more. */
static int copy_piece(struct backup_source *source)
{
    struct mapshare_abi_backup read = {.step = MAPSHARE_ABI_BACKUP_READ, .head = source->position};
    int error = ask(source, &read);

    if (error)
        return error;
    source->grows = read.head != source->position;
    if (read.head - source->position < PIECE_BYTES)
        usleep(COPY_PAUSE_MICROSECONDS);
    if (read.head - source->position > PIECE_BYTES)
        read.head = source->position + PIECE_BYTES;
    error = log_copy_add(&source->log, source->position, read.head);
    source->position = read.head;
    return error;
}

static void *copy_log(void *argument)
{
    struct backup_source *source = argument;

    while (!source->error && (!source->until || source->position < source->until))
        source->error = copy_piece(source);
    return NULL;
}

int backup_source_open(struct backup_source *source, const char *mount)
{
    struct mapshare_abi_backup begin = {.step = MAPSHARE_ABI_BACKUP_BEGIN};
    int error, tries = 0;

    *source = (struct backup_source){.mount = mount, .log.from = -1};
    source->root = open(mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (source->root < 0) {
        message_error(mount, -errno);
        return -1;
    }
    while ((error = ask(source, &begin)) == -EAGAIN && tries++ < TRIES)
        usleep(PAUSE_MICROSECONDS);
    if (error)
        return tell(source, error);
    source->position = begin.tail;
    source->number = begin.tail_number;
    source->head = begin.head;
    return 0;
}

int backup_source_copy(struct backup_source *source, struct store *store, int private_folder, int log)
{
    int error = log_copy_begin(&source->log, store, private_folder, log, source->position, source->number);

    if (!error)
        error = -pthread_create(&source->thread, NULL, copy_log, source);
    if (error) {
        message("%s: its journal cannot be copied", quoted(source->mount));
        return tell(source, error);
    }
    return 0;
}

int backup_source_keeps(const struct backup_source *source)
{
    struct mapshare_abi_backup read = {.step = MAPSHARE_ABI_BACKUP_READ, .head = source->position};
    int error = ask(source, &read);

    return error ? tell(source, error) : 0;
}

int backup_source_commit(struct backup_source *source)
{
    struct mapshare_abi_backup commit = {.step = MAPSHARE_ABI_BACKUP_COMMIT};
    int error, rounds = 0;

    while (!(error = ask(source, &commit)) && !commit.quiet && rounds++ < TRIES)
        ;
    return error ? tell(source, error) : 0;
}

int backup_source_freeze(struct backup_source *source)
{
    struct mapshare_abi_backup freeze = {.step = MAPSHARE_ABI_BACKUP_FREEZE, .seconds = MAPSHARE_ABI_FREEZE_MOST};
    int error, tries = 0;

    while (!(error = ask(source, &freeze)) && !freeze.quiet && tries++ < TRIES)
        usleep(PAUSE_MICROSECONDS);
    if (!error && !freeze.quiet)
        error = -ETIMEDOUT;
    return error ? tell(source, error) : 0;
}

int backup_source_thaw(struct backup_source *source, bool *held, uint64_t *sequence, uint64_t *end)
{
    struct mapshare_abi_backup thaw = {.step = MAPSHARE_ABI_BACKUP_THAW};
    int error = ask(source, &thaw);

    *held = !error;
    *sequence = thaw.sequence;
    *end = thaw.head;
    return error && error != -ESTALE ? tell(source, error) : 0;
}

static void join(struct backup_source *source, uint64_t until)
{
    source->until = until;
    if (source->thread)
        pthread_join(source->thread, NULL);
    source->thread = 0;
}

int backup_source_finish(struct backup_source *source, uint64_t end)
{
    join(source, end);
    return backup_source_check(source);
}

void backup_source_end(struct backup_source *source)
{
    join(source, 1);
    log_copy_end(&source->log);
    if (source->root >= 0)
        close(source->root);
    source->root = -1;
}
