#include "config.h"

#include "process/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <libmount.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "log.h"
#include "mapshare-abi.h"
#include "mounts.h"

#define WAIT_SECONDS 120
#define TRIES_PER_SECOND 50

/* The lines of the file. */
struct record {
    char text[MAPSHARE_LOCK_SIZE + 1];
    char *holder; /* number and mount point */
    char *state;
    char *before; /* number and state of the one before */
    char *options;
};

static void read_record(int lock, struct record *record)
{
    ssize_t n = pread(lock, record->text, MAPSHARE_LOCK_SIZE, 0);
    char *rest = record->text, *none = record->text + MAPSHARE_LOCK_SIZE;

    record->text[n > 0 ? n : 0] = *none = 0;
    record->holder = strsep(&rest, "\n");
    record->state = rest ? strsep(&rest, "\n") : none;
    record->before = rest ? strsep(&rest, "\n") : none;
    record->options = rest ? strsep(&rest, "\n") : none;
}

/* In place, always as long, so that once the file has its blocks no full disk prevents it. 0 or -errno. */
static int write_record(int lock, const char *holder, const char *state, const char *before, const char *options)
{
    char text[MAPSHARE_LOCK_SIZE + 1];
    int length = snprintf(text, sizeof text, "%s\n%s\n%s\n%s\n", holder, state, before, options);
    ssize_t n;

    if (length >= (int)sizeof text)
        return -ENAMETOOLONG;
    memset(text + length, '\n', MAPSHARE_LOCK_SIZE - length);
    n = pwrite(lock, text, MAPSHARE_LOCK_SIZE, 0);
    return n == MAPSHARE_LOCK_SIZE ? 0 : n < 0 ? -errno : -ENOSPC;
}

/* Where the holder's mount is, to be freed; NULL: it is not mounted any more. */
static char *served_at(const char *holder, int *pid)
{
    char *point = NULL;
    int at = 0;

    if (sscanf(holder, "%d %n", pid, &at) < 1)
        return NULL;
    point = mnt_unmangle(holder + at);
    if (point && mounts_is_ours_at(point))
        return point;
    free(point);
    return NULL;
}

int lock_take(int lock, const char *given)
{
    struct record record;
    char *point;
    int pid = 0;

    for (int waited = 0; flock(lock, LOCK_EX | LOCK_NB); waited++) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            log_line(LOG_FATAL, "%s: cannot be locked: %s", given, strerror(errno));
            return -errno;
        }
        read_record(lock, &record);
        point = served_at(record.holder, &pid);
        if (point) {
            log_line(LOG_FATAL, "%s: already mounted on %s by process %d; unmount that first", given, point, pid);
            free(point);
            return -EBUSY;
        }
        if (waited == WAIT_SECONDS * TRIES_PER_SECOND) {
            log_line(LOG_FATAL, "%s: in use by process %d, which has not finished within %d seconds", given, pid, WAIT_SECONDS);
            return -EBUSY;
        }
        if (waited == TRIES_PER_SECOND)
            log_line(LOG_NOTE, "%s: waiting for the daemon that had it mounted to finish", given);
        usleep(1000000 / TRIES_PER_SECOND);
    }
    return 0;
}

static void tell_unsigned(int error)
{
    if (error)
        log_line(LOG_WARN, "%s/lock cannot be written (%s): mapshare unmount cannot tell how the store was left",
                 MAPSHARE_PRIVATE_FOLDER, strerror(-error));
}

void lock_sign(int lock, const struct options *options)
{
    char *point = mnt_mangle(options->mountpoint), *holder = NULL, *before = NULL;
    char list[OPTIONS_TEXT_MAX];
    struct record record;
    int error = -ENOMEM;

    options_to_text(options, list, sizeof list);
    read_record(lock, &record);
    if (point && asprintf(&holder, "%d %s", getpid(), point) > 0 &&
        asprintf(&before, "%d %s", atoi(record.holder), record.state) > 0)
        error = write_record(lock, holder, MAPSHARE_LOCK_SERVING, before, list);
    tell_unsigned(error);
    free(point);
    free(holder);
    free(before);
}

void lock_tell_options(int lock, const struct options *options)
{
    char list[OPTIONS_TEXT_MAX];
    struct record record;

    options_to_text(options, list, sizeof list);
    read_record(lock, &record);
    if (strcmp(list, record.options))
        tell_unsigned(write_record(lock, record.holder, record.state, record.before, list));
}

void lock_hand_over(int lock)
{
    struct record record;
    const char *point;
    char *holder = NULL;
    int error = -ENOMEM;

    read_record(lock, &record);
    point = strchr(record.holder, ' ');
    if (asprintf(&holder, "%d%s", getpid(), point ? point : "") > 0)
        error = write_record(lock, holder, record.state, record.before, record.options);
    tell_unsigned(error);
    free(holder);
}

void lock_tell(int lock, const char *format, ...)
{
    struct record record;
    char state[256];
    va_list arguments;
    int error;

    va_start(arguments, format);
    vsnprintf(state, sizeof state, format, arguments);
    va_end(arguments);
    read_record(lock, &record);
    error = write_record(lock, record.holder, state, record.before, record.options);
    if (error)
        log_line(LOG_WARN, "%s/lock cannot be written (%s): it does not tell how the store was left: %s", MAPSHARE_PRIVATE_FOLDER,
                 strerror(-error), state);
}

int lock_read_options(int lock, char *list)
{
    struct record record;

    read_record(lock, &record);
    strcpy(list, record.options);
    return *list ? 0 : -ENODATA;
}
