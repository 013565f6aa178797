#include "config.h"

#include "say.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define LINE_MAX_BYTES 1024

/* One write, so that lines of our children do not mix with it. */
void say(const char *format, ...)
{
    char line[LINE_MAX_BYTES] = "mapshare-standby: ";
    int used = sizeof "mapshare-standby: " - 1;
    va_list arguments;

    va_start(arguments, format);
    used += vsnprintf(line + used, sizeof line - used - 1, format, arguments);
    va_end(arguments);
    if (used > (int)sizeof line - 2)
        used = sizeof line - 2;
    line[used++] = '\n';
    if (write(STDERR_FILENO, line, used) < 0)
        return; /* nobody reads it: no reason to do anything else */
}
