/* Not syslog(3): it opens a socket of its own when it likes, closes it when it likes, and waits for its reader. All processes of a
 * mount share one table of descriptors, where each must be known (process/daemon.h). */
#include "config.h"

#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define LIMIT_SECONDS 10
#define LINE_MAX_BYTES 600
#define FACILITY_DAEMON (3 << 3)
#define SYSTEM_LOG "/dev/log"

enum lent { NO_LINE, LINE_COMES, LINE_WAITS };

/* The same in all processes of a mount. */
struct log_state {
    _Atomic bool to_system;
    _Atomic enum log_level most;
    _Atomic uint64_t dropped;
    _Atomic uint64_t untold; /* of these */
    _Atomic enum lent lent;
    char line[LINE_MAX_BYTES]; /* for the keeper to send */
};

static struct log_state before_start = {.most = LOG_NOTE};
static struct log_state *state = &before_start;
static int messages = STDERR_FILENO;
static int system_log = -1;
static pid_t mender;

/* Standard error's own open file may be used by others, who do not expect it not to wait: so it is opened anew. What cannot be (a
 * file's place would be lost, a socket has no name) is handled by put_message. */
static int open_messages(void)
{
    struct stat stat;
    int fd = -1;

    if (!fstat(STDERR_FILENO, &stat) && (S_ISFIFO(stat.st_mode) || S_ISCHR(stat.st_mode)))
        fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    return fd >= 0 ? fd : fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
}

void log_adopt(int messages_in, int system_log_in, bool to_system, enum log_level most)
{
    struct log_state *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (shared != MAP_FAILED)
        state = shared;
    state->to_system = to_system;
    messages = messages_in;
    system_log = system_log_in;
    state->most = most;
    tzset(); /* reads a file now, and none later */
}

void log_start(bool foreground, enum log_level most)
{
    log_adopt(open_messages(), foreground ? -1 : socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), false, most);
}

bool log_is_to_system(void)
{
    return state->to_system;
}

void log_descriptors(int *messages_out, int *system_log_out)
{
    *messages_out = messages;
    *system_log_out = system_log;
}

void log_to_system(int null)
{
    state->to_system = true;
    dup3(null, messages, O_CLOEXEC); /* not closed: another process may be about to write to that number */
}

void log_ask(pid_t keeper)
{
    mender = keeper;
    if (state->lent == LINE_COMES) /* of a worker that died */
        state->lent = NO_LINE;
}

void log_stop(void)
{
    messages = system_log = -1;
}

/* True when it was taken. A pipe or terminal that cannot be opened anew is asked first. */
static bool put_message(const char *line, size_t length)
{
    struct pollfd poll_of = {.fd = messages, .events = POLLOUT};
    ssize_t n = send(messages, line, length, MSG_DONTWAIT | MSG_NOSIGNAL);

    if (n < 0 && errno == ENOTSOCK && poll(&poll_of, 1, 0) == 1 && !(poll_of.revents & (POLLERR | POLLNVAL)))
        n = write(messages, line, length);
    return n >= 0;
}

static bool lend(const char *line, size_t length)
{
    enum lent none = NO_LINE;

    if (!atomic_compare_exchange_strong(&state->lent, &none, LINE_COMES))
        return false;
    memcpy(state->line, line, length + 1);
    state->lent = LINE_WAITS;
    return kill(mender, LOG_SIGNAL) == 0;
}

/* The socket is one for the mount's life; where its other end went away, it is connected again. */
static bool put_to_system(const char *line, size_t length)
{
    static const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = SYSTEM_LOG};

    if (send(system_log, line, length, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
        return true;
    if (errno == EAGAIN || errno == ENOBUFS)
        return false;
    if (mender)
        return lend(line, length);
    if (connect(system_log, (const struct sockaddr *)&address, sizeof address))
        return false;
    return send(system_log, line, length, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

void log_mend(void)
{
    if (state->lent != LINE_WAITS)
        return;
    if (!put_to_system(state->line, strlen(state->line))) {
        atomic_fetch_add(&state->dropped, 1);
        atomic_fetch_add(&state->untold, 1);
    }
    state->lent = NO_LINE;
}

static bool put(enum log_level level, const char *text)
{
    static const int severities[] = {3, 4, 5, 7};
    char line[LINE_MAX_BYTES], when[32];
    time_t now = time(NULL);
    struct tm local;

    if (!state->to_system) {
        snprintf(line, sizeof line, "mapsharefs: %s\n", text);
        return put_message(line, strlen(line));
    }
    localtime_r(&now, &local);
    strftime(when, sizeof when, "%h %e %T", &local);
    snprintf(line, sizeof line, "<%d>%s mapsharefs[%d]: %s", FACILITY_DAEMON | severities[level], when, getpid(), text);
    return put_to_system(line, strlen(line));
}

/* Before the first line that gets through again. */
static void tell_dropped(void)
{
    uint64_t count = atomic_exchange(&state->untold, 0);
    char text[96];

    snprintf(text, sizeof text, "%" PRIu64 " lines before this one were dropped: their reader was slow or absent", count);
    if (count && !put(LOG_WARN, text))
        atomic_fetch_add(&state->untold, count);
}

static void log_arguments(enum log_level level, const char *format, va_list arguments)
{
    char text[512];
    int error = errno;

    if (level > state->most)
        return;
    vsnprintf(text, sizeof text, format, arguments);
    if (state->untold)
        tell_dropped();
    if (!put(level, text)) {
        atomic_fetch_add(&state->dropped, 1);
        atomic_fetch_add(&state->untold, 1);
    }
    errno = error;
}

void log_line(enum log_level level, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    log_arguments(level, format, arguments);
    va_end(arguments);
}

void log_limited(long *last, const char *format, ...)
{
    struct timespec now;
    va_list arguments;
    long before = __atomic_load_n(last, __ATOMIC_RELAXED);

    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    if (before && now.tv_sec - before < LIMIT_SECONDS)
        return;
    __atomic_store_n(last, now.tv_sec, __ATOMIC_RELAXED);
    va_start(arguments, format);
    log_arguments(LOG_WARN, format, arguments);
    va_end(arguments);
}

void log_only(enum log_level most)
{
    state->most = most;
}

uint64_t log_dropped(void)
{
    return state->dropped;
}
