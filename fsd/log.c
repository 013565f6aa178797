#include "config.h"

#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>
#include <time.h>

#define LIMIT_SECONDS 10

static bool to_system;
static bool tracing;

void log_start(bool foreground, bool trace)
{
    tracing = trace && foreground;
}

void log_to_system(void)
{
    openlog("mapsharefs", LOG_PID, LOG_DAEMON);
    to_system = true;
}

static void log_arguments(enum log_level level, const char *format, va_list arguments)
{
    static const int priorities[] = {LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_DEBUG};
    char line[512];

    if (level == LOG_TRACE && !tracing)
        return;
    vsnprintf(line, sizeof line, format, arguments);
    if (to_system)
        syslog(priorities[level], "%s", line);
    else
        fprintf(stderr, "mapsharefs: %s\n", line);
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
