#include "config.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "journal/format.h"
#include "journal/recover.h"
#include "sweep.h"

#define NESTED_CRASHES 3

struct run {
    struct sweep *sweep;
    uint64_t random;
    uint64_t limits[DISK_SLOTS];
    struct disk_record record;
    struct history history;
    struct disk disk;           /* at the point that the sweep has reached */
    struct disk state;          /* after a crash */
    struct disk second;         /* while recovery writes to it */
    size_t events;              /* that had happened at the crash */
    unsigned char *journal_now; /* what the real journal holds */
    const char *error;
};

static void write_bytes(int fd, const unsigned char *bytes, uint64_t length, uint64_t offset)
{
    ssize_t done = pwrite(fd, bytes + offset, length, (off_t)offset);
    assert(done == (ssize_t)length);
}

/* Most of the journal is as it was in the state before, and recovery writes to its superblocks only. */
static void materialize_journal(struct run *run)
{
    const unsigned char *bytes = run->state.files[DISK_JOURNAL].bytes;
    for (uint64_t offset = 0; offset < JOURNAL_BYTES; offset += FORMAT_LOG_START) {
        if (offset > 0 && memcmp(run->journal_now + offset, bytes + offset, FORMAT_LOG_START) == 0)
            continue;
        write_bytes(place.fds[DISK_JOURNAL], bytes, FORMAT_LOG_START, offset);
        memcpy(run->journal_now + offset, bytes + offset, FORMAT_LOG_START);
    }
}

/* The real files become what the disk holds. */
static void materialize(struct run *run)
{
    materialize_journal(run);
    place_set_names(&run->state.names);
    for (int slot = 1; slot < DISK_SLOTS; slot++) {
        const struct disk_file *file = &run->state.files[slot];
        place_set_inside(slot, true); /* its name among the removed ones goes, too */
        place.generations[slot] = file->generation;
        place_set_inside(slot, file->exists);
        if (!file->exists)
            continue;
        int result = ftruncate(place.fds[slot], (off_t)file->size);
        assert(result == 0);
        write_bytes(place.fds[slot], file->bytes, file->size, 0);
        result = futimens(place.fds[slot], file->times);
        assert(result == 0);
    }
}

static char told[512];

/* What recovery says goes into the reason of a failure. */
static void tell(const char *path, const char *text)
{
    snprintf(told, sizeof(told), "%s: %s", path == NULL ? "" : path, text);
}

/* Recovery may be cut off too, several times. */
static int recover(struct run *run)
{
    struct recover_report report;
    struct recorder recorder;
    struct disk_record record = {0};
    int result = 0;
    for (int nested = 0; nested <= NESTED_CRASHES; nested++) {
        materialize(run);
        recorder_init(&recorder, &record);
        memcpy(recorder.inodes, place.inodes, sizeof(place.inodes));
        recorder.faults.lose_data_sync = mutation == RECOVERY_DOES_NOT_SYNC;
        syncing = &recorder;
        result = journal_recover(&recorder.store, place.root, false, tell, &report);
        syncing = NULL;
        run->sweep->replayed += report.commits > 0;
        if (result < 0 || record.count == 0 || nested == NESTED_CRASHES || random_below(&run->random, 4) != 0)
            break;
        run->sweep->interrupted++;
        disk_copy(&run->second, &run->state);
        size_t cut = random_below(&run->random, record.count + 1);
        for (size_t i = 0; i < cut; i++)
            disk_step(&run->second, &record.events[i]);
        disk_crash(&run->second, random_below(&run->random, DISK_LOSSES), &run->random, &run->state);
        record_clear(&record);
    }
    record_clear(&record);
    return result;
}

static void check_state(struct run *run)
{
    unsigned generations[DISK_SLOTS];
    bool exists[DISK_SLOTS];
    struct recorder recorder;
    struct disk_record record = {0};
    struct recover_report report;
    size_t found;
    place.copied = random_below(&run->random, 2) == 0;
    int result = recover(run);
    run->sweep->done++;
    if (result < 0) {
        run->error = *told == 0 ? strerror(-result) : told;
        return;
    }
    for (int slot = 0; slot < DISK_SLOTS; slot++) {
        generations[slot] = run->state.files[slot].generation;
        exists[slot] = run->state.files[slot].exists;
    }
    run->error = check_files(&run->history, run->events, generations, exists, &found);
    if (run->error != NULL)
        return;
    recorder_init(&recorder, &record);
    memcpy(recorder.inodes, place.inodes, sizeof(place.inodes));
    result = journal_recover(&recorder.store, place.root, false, NULL, &report);
    record_clear(&record);
    if (result < 0 || report.chunks > 0)
        run->error = "the journal is not empty after recovery";
}

/* Garbage where nothing is that counts. */
static void corrupt_free_space(struct run *run, const struct boundary *boundary)
{
    uint64_t free_bytes = boundary->capacity - (boundary->head - boundary->tail);
    for (int i = 0; free_bytes > 0 && i < 64; i++) {
        uint64_t near = i % 2 == 0 && free_bytes > 16384 ? 16384 : free_bytes;
        uint64_t position = boundary->head + random_below(&run->random, near);
        run->state.files[DISK_JOURNAL].bytes[FORMAT_LOG_START + position % boundary->capacity] ^= 1
                                                                                                  << random_below(&run->random, 8);
    }
}

static void check_point(struct run *run, const struct boundary *boundary)
{
    for (unsigned i = 0; i < run->sweep->states && run->error == NULL; i++) {
        enum disk_loss loss = i < DISK_LOSSES ? (enum disk_loss)i : LOSE_ANY;
        disk_crash(&run->disk, loss, &run->random, &run->state);
        if (boundary != NULL && i % 2 == 1)
            corrupt_free_space(run, boundary);
        check_state(run);
    }
}

static void load_first_state(struct run *run)
{
    disk_init(&run->disk, run->limits);
    disk_init(&run->state, run->limits);
    disk_init(&run->second, run->limits);
    for (int slot = 0; slot < DISK_SLOTS; slot++)
        run->disk.files[slot].exists = true;
    run->disk.files[DISK_JOURNAL].size = JOURNAL_BYTES;
    ssize_t done = pread(place.fds[DISK_JOURNAL], run->disk.files[DISK_JOURNAL].bytes, JOURNAL_BYTES, 0);
    assert(done == (ssize_t)JOURNAL_BYTES);
}

bool sweep_run(struct sweep *sweep, const char *folder, char *reason, size_t reason_size)
{
    struct run run = {.sweep = sweep, .random = sweep->seed ^ 0x5eed, .limits = {JOURNAL_BYTES}};
    for (int slot = 1; slot < DISK_SLOTS; slot++)
        run.limits[slot] = MODEL_BYTES + 4096;
    place_make(folder);
    load_first_state(&run);
    run.error = model_run(sweep->seed, sweep->steps, &run.record, &run.history);
    run.events = run.record.count;
    run.journal_now = malloc(JOURNAL_BYTES);
    assert(run.journal_now != NULL);
    ssize_t done = pread(place.fds[DISK_JOURNAL], run.journal_now, JOURNAL_BYTES, 0);
    assert(done == (ssize_t)JOURNAL_BYTES);
    size_t next_boundary = 0;
    for (size_t i = 0; i <= run.record.count && run.error == NULL; i++) {
        const struct boundary *boundary = NULL;
        run.events = i;
        while (next_boundary < run.history.boundary_count && run.history.boundaries[next_boundary].events <= i)
            boundary = &run.history.boundaries[next_boundary++];
        if (boundary != NULL && boundary->events != i)
            boundary = NULL;
        check_point(&run, boundary);
        if (i < run.record.count && run.error == NULL)
            disk_step(&run.disk, &run.record.events[i]);
    }
    if (run.error != NULL)
        snprintf(reason, reason_size, "seed %llu, after %zu of %zu events: %s", (unsigned long long)sweep->seed, run.events,
                 run.record.count, run.error);
    place.copied = false;
    free(run.journal_now);
    disk_free(&run.disk);
    disk_free(&run.state);
    disk_free(&run.second);
    record_clear(&run.record);
    history_clear(&run.history);
    place_remove();
    return run.error == NULL;
}

static char folder_name[64];

static void remove_folder(void)
{
    rmdir(folder_name);
}

const char *sweep_folder(void)
{
    struct stat status;
    bool memory = stat("/dev/shm", &status) == 0 && access("/dev/shm", W_OK) == 0;
    snprintf(folder_name, sizeof(folder_name), "%s/mapshare-crash-XXXXXX", memory ? "/dev/shm" : "/tmp");
    if (mkdtemp(folder_name) == NULL) {
        perror(folder_name);
        exit(1);
    }
    atexit(remove_folder);
    return folder_name;
}

uint64_t sweep_knob(const char *name, uint64_t otherwise)
{
    const char *value = getenv(name);
    return value == NULL || *value == 0 ? otherwise : strtoull(value, NULL, 0);
}
