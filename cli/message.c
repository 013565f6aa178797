#include "config.h"

#include "message.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#define QUOTED_BUFFERS 4

static const struct {
    int error;
    const char *what; /* NULL: strerror says it */
    const char *advice;
} advices[] = {
    {EACCES, NULL, "ask the owner for permission; a FUSE mount admits other users only with -o allow_other"},
    {EPERM, NULL, "ask the owner for permission"},
    {ENOENT, NULL, "check the name"},
    {ENOTDIR, NULL, "check the path: one of its parts is not a directory"},
    {EISDIR, NULL, "give a regular file"},
    {ELOOP, NULL, "check the symbolic links in the path"},
    {ENAMETOOLONG, NULL, "give a shorter path, for instance relative to the working directory"},
    {ENOTTY, "not on a mapsharefs mount", "mount its store with 'mapsharefs STORE MOUNTPOINT' and give the path below MOUNTPOINT"},
    {ENOTCONN, NULL, "its daemon is gone: unmount with 'fusermount3 -u' or 'umount', then mount the store again"},
    {ESTALE, NULL, "the file was replaced meanwhile: try again"},
    {EMFILE, NULL, "raise the limit with 'ulimit -n'"},
    {ENFILE, NULL, "the whole system has too many files open: close some"},
    {ENOSPC, NULL, "make room on the store's disk, then try again"},
    {EDQUOT, NULL, "make room within the quota on the store's disk, then try again"},
    {EIO, NULL,
     "the store's disk fails, or its daemon gave up: look at the kernel's log, and at the daemon's ('mapshare revive' has it try "
     "again)"},
    {EROFS, NULL, "mount it writable"},
    {ETXTBSY, NULL, "another program denies writing to it: wait until it ends"},
    {ENOMEM, NULL, "end other programs or add memory"},
    {EBUSY, NULL, "somebody is using it: try again later"},
    {EXDEV, NULL, "one commit covers files of one mount only"},
    {EPROTO, NULL, "the mount's daemon answers in another version's way: use the mapshare that came with it"},
    {EPROTONOSUPPORT, "in the format of another version", "use the mapshare that wrote it"},
    {EBADMSG, "damaged", "copy the store before trying anything else"},
    {EUCLEAN, "damaged", "copy the store before trying anything else"},
    {EINTR, NULL, "interrupted: try again"},
    {ENXIO, "neither a file nor a directory", "give a regular file"},
    {EOVERFLOW, NULL, "the file is too large"},
};

void message(const char *format, ...)
{
    va_list list;

    fflush(stdout);
    fputs("mapshare: ", stderr);
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fputc('\n', stderr);
}

void message_error(const char *name, int error)
{
    const char *what = strerror(-error);
    const char *advice = "see the kernel's and the daemon's log for more";

    for (size_t i = 0; i < sizeof advices / sizeof advices[0]; i++) {
        if (advices[i].error != -error)
            continue;
        advice = advices[i].advice;
        if (advices[i].what)
            what = advices[i].what;
    }
    message("%s: %s; %s", quoted(name), what, advice);
}

const char *quoted(const char *name)
{
    static char buffers[QUOTED_BUFFERS][PATH_MAX];
    static unsigned turn;
    char *out = buffers[turn++ % QUOTED_BUFFERS];
    const char *result = out;
    const char *end = out + PATH_MAX - 4 * MB_LEN_MAX - 4;
    size_t left = strlen(name);
    mbstate_t shift = {0};

    while (left && out < end) {
        wchar_t wide;
        size_t length = mbrtowc(&wide, name, left, &shift);
        bool known = length != (size_t)-1 && length != (size_t)-2;

        if (!known) {
            length = 1;
            memset(&shift, 0, sizeof shift);
        }
        for (size_t i = 0; i < length; i++)
            out += known && iswprint((wint_t)wide) ? sprintf(out, "%c", name[i]) : sprintf(out, "\\%03o", (unsigned char)name[i]);
        name += length;
        left -= length;
    }
    strcpy(out, left ? "..." : "");
    return result;
}
