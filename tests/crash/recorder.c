#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "disk.h"
#include "journal/format.h"
#include "store/syscalls.h"

void record_add(struct disk_record *record, struct disk_event event)
{
    if (record->count == record->capacity) {
        record->capacity = 2 * record->capacity + 256;
        record->events = realloc(record->events, record->capacity * sizeof(*record->events));
        assert(record->events != NULL);
    }
    record->events[record->count++] = event;
}

void record_clear(struct disk_record *record)
{
    for (size_t i = 0; i < record->count; i++)
        free(record->events[i].data);
    free(record->events);
    *record = (struct disk_record){0};
}

static int slot_of(const struct recorder *self, int fd)
{
    struct stat status;
    int result = fstat(fd, &status);
    assert(result == 0);
    for (int i = 0; i < DISK_SLOTS; i++) {
        if (self->inodes[i] == status.st_ino)
            return i;
    }
    abort(); /* a file that nobody may touch */
}

/* True: this operation is to fail. */
static bool fails(struct recorder *self, int slot)
{
    if (slot != DISK_JOURNAL || self->faults.fail_after < 0)
        return false;
    if (self->faults.fail_after > 0) {
        self->faults.fail_after--;
        return false;
    }
    if (self->faults.fail_more-- == 0)
        self->faults.fail_after = -1;
    return true;
}

static bool is_fence(struct recorder *self, const struct disk_event *event)
{
    const struct format_superblock *new = (const struct format_superblock *)event->data;
    struct format_superblock old;
    static_assert(sizeof(old) <= sizeof(self->superblock), "the last one is kept whole");
    if (event->slot != DISK_JOURNAL || event->offset >= FORMAT_LOG_START)
        return false;
    memcpy(&old, self->superblock, sizeof(old));
    memcpy(self->superblock, new, sizeof(*new));
    return old.tail == new->tail &&memcmp(old.uuid, new->uuid, FORMAT_UUID_SIZE) == 0;
}

static int write_one(struct recorder *self, struct store_write *write)
{
    int slot = slot_of(self, write->fd);
    struct disk_event event = {.operation = DISK_WRITE, .slot = slot, .offset = (uint64_t)write->offset};
    for (int i = 0; i < write->iovcnt; i++)
        event.length += write->iov[i].iov_len;
    assert((event.length % DISK_SECTOR == 0 || slot != DISK_JOURNAL) && event.offset % DISK_SECTOR == 0);
    event.data = malloc(event.length);
    assert(event.data != NULL);
    uint64_t done = 0;
    for (int i = 0; i < write->iovcnt; i++) {
        memcpy(event.data + done, write->iov[i].iov_base, write->iov[i].iov_len);
        done += write->iov[i].iov_len;
    }
    if (is_fence(self, &event) && self->faults.lose_fences) {
        free(event.data);
        return write->result = 0;
    }
    bool fail = fails(self, slot);
    if (fail)
        event.length = self->faults.fail_half ? event.length / 2 / DISK_SECTOR * DISK_SECTOR : 0;
    self->faults.fail_half &= !fail;
    struct iovec all = {.iov_base = event.data, .iov_len = event.length};
    struct store_write real = {.fd = write->fd, .offset = write->offset, .iov = &all, .iovcnt = 1};
    write->result = syscalls_write(&real);
    assert(write->result == 0);
    record_add(self->record, event);
    if (slot == DISK_JOURNAL)
        self->superblock_was_last = event.offset < FORMAT_LOG_START;
    return write->result = fail ? -EIO : 0;
}

static int recorder_write(struct store *store, struct store_write *writes, size_t count)
{
    struct recorder *self = (struct recorder *)store;
    int first = 0;
    for (size_t i = 0; i < count; i++) {
        int result = write_one(self, &writes[i]);
        if (first == 0)
            first = result;
    }
    return first;
}

static int recorder_flush(struct store *store, int fd)
{
    struct recorder *self = (struct recorder *)store;
    int slot = slot_of(self, fd);
    void (*meanwhile)(void *context) = slot == DISK_JOURNAL ? self->meanwhile : NULL;
    if (meanwhile != NULL) {
        self->meanwhile = NULL;
        meanwhile(self->context);
    }
    if (fails(self, slot))
        return -EIO;
    bool lost = slot == DISK_JOURNAL && (self->faults.lose_journal_flush || //
                                         (self->faults.lose_superblock_flush && self->superblock_was_last));
    if (slot == DISK_JOURNAL && self->faults.lose_next_flushes > 0) {
        self->faults.lose_next_flushes--;
        lost = true;
    }
    if (!lost)
        record_add(self->record, (struct disk_event){.operation = DISK_FLUSH, .slot = slot});
    return 0;
}

static int recorder_sync(struct store *store, int fd)
{
    struct recorder *self = (struct recorder *)store;
    if (!self->faults.lose_data_sync)
        record_add(self->record, (struct disk_event){.operation = DISK_SYNC, .slot = slot_of(self, fd)});
    return 0;
}

static int recorder_truncate(struct store *store, int fd, off_t size)
{
    struct recorder *self = (struct recorder *)store;
    record_add(self->record, (struct disk_event){.operation = DISK_TRUNCATE, .slot = slot_of(self, fd), .offset = (uint64_t)size});
    return syscalls_truncate(store, fd, size);
}

static int recorder_punch(struct store *store, int fd, off_t offset, off_t length)
{
    struct recorder *self = (struct recorder *)store;
    struct disk_event event = {
        .operation = DISK_PUNCH, .slot = slot_of(self, fd), .offset = (uint64_t)offset, .length = (uint64_t)length};
    record_add(self->record, event);
    return syscalls_punch(store, fd, offset, length);
}

static int recorder_set_times(struct store *store, int fd, const struct timespec times[2])
{
    struct recorder *self = (struct recorder *)store;
    struct disk_event event = {.operation = DISK_TIMES, .slot = slot_of(self, fd), .times = {times[0], times[1]}};
    record_add(self->record, event);
    return syscalls_set_times(store, fd, times);
}

static void recorder_close(struct store *store)
{
    (void)store;
}

static const struct store_operations recorder_operations = {
    .write = recorder_write,
    .flush = recorder_flush,
    .truncate = recorder_truncate,
    .punch = recorder_punch,
    .set_times = recorder_set_times,
    .sync = recorder_sync,
    .close = recorder_close,
};

void recorder_init(struct recorder *recorder, struct disk_record *record)
{
    *recorder = (struct recorder){.store.operations = &recorder_operations, .record = record, .faults.fail_after = -1};
}

struct recorder *syncing, *counting;

int __wrap_syncfs(int fd);
int __wrap_syncfs(int fd)
{
    (void)fd;
    for (int slot = 0; syncing != NULL && slot < DISK_SLOTS; slot++)
        record_add(syncing->record, (struct disk_event){.operation = DISK_SYNC, .slot = slot});
    return 0;
}
