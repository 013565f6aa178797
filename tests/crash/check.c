#include "config.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model.h"

static char message[256];

const char *check_file(int slot, const struct model_file *expected)
{
    static unsigned char bytes[MODEL_BYTES + 4096];
    unsigned char page[4096];
    struct stat status;
    int fd = place.fds[slot];
    if (fstat(fd, &status) < 0 || pread(fd, bytes, sizeof(bytes), 0) != status.st_size)
        return "the file cannot be read";
    if ((uint64_t)status.st_size != expected->size) {
        snprintf(message, sizeof(message), "file %d has size %lld, not %llu", slot, (long long)status.st_size,
                 (unsigned long long)expected->size);
        return message;
    }
    for (uint64_t i = 0; i * 4096 < expected->size; i++) {
        uint64_t left = expected->size - i * 4096;
        page_fill(expected->pages[i], page);
        if (memcmp(bytes + i * 4096, page, left < 4096 ? left : 4096) != 0) {
            snprintf(message, sizeof(message), "file %d page %llu is not pattern %u up to %u", slot, (unsigned long long)i,
                     expected->pages[i].tag, expected->pages[i].cut);
            return message;
        }
    }
    if (expected->times[1].tv_sec != 0 &&
        (status.st_mtim.tv_sec != expected->times[1].tv_sec || status.st_mtim.tv_nsec != expected->times[1].tv_nsec)) {
        snprintf(message, sizeof(message), "file %d has time %lld, not %lld", slot, (long long)status.st_mtim.tv_sec,
                 (long long)expected->times[1].tv_sec);
        return message;
    }
    return NULL;
}

static const char *check_attempt(const struct attempt *attempt, const unsigned generations[DISK_SLOTS],
                                 const bool exists[DISK_SLOTS])
{
    for (int slot = 1; slot < DISK_SLOTS; slot++) {
        const struct model_file *expected = &attempt->state.files[slot];
        struct model_file empty = {.generation = generations[slot]};
        if (!exists[slot])
            continue;
        const char *error = check_file(slot, expected->generation == generations[slot] ? expected : &empty);
        if (error != NULL)
            return error;
    }
    return NULL;
}

const char *check_files(const struct history *history, size_t events, const unsigned generations[DISK_SLOTS],
                        const bool exists[DISK_SLOTS], size_t *found)
{
    size_t last = 0;
    for (size_t i = 0; i < history->count && history->attempts[i].begun <= events; i++) {
        if (history->attempts[i].acknowledged <= events)
            last = i;
    }
    for (size_t i = last; i < history->count && history->attempts[i].begun <= events; i++) {
        if (history->attempts[i].undone > events && check_attempt(&history->attempts[i], generations, exists) == NULL) {
            *found = i;
            return NULL;
        }
    }
    return check_attempt(&history->attempts[last], generations, exists);
}
