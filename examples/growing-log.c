/* A log that grows in place while others read it: its address stays, in the writer and in every reader.
 *
 * Each reader maps the whole reserve from the start; when the writer grows the file, the new part simply works there.
 */
#include <err.h>
#include <fcntl.h>
#include <mapshare.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define RESERVE (1024u << 20)
#define STEP (64u << 10) /* it grows by so much at a time */

struct log {
    _Atomic uint64_t used; /* bytes of text; what is beyond may be half written */
    char text[];
};

static void append(struct mapshare *ms, const char *line)
{
    struct log *log = mapshare_addr(ms);
    uint64_t used = log->used, length = strlen(line), needed = sizeof(*log) + used + length + 1;

    if (needed > mapshare_size(ms) && mapshare_resize(ms, (needed + STEP - 1) / STEP * STEP))
        err(1, "resize");
    memcpy(log->text + used, line, length);
    log->text[used + length] = '\n';
    log->used = used + length + 1;
}

static void write_lines(struct mapshare *ms, char **lines)
{
    int held = mapshare_lock(ms);

    /* 1: an owner died. It left nothing half done: what it did not count is overwritten. */
    if (held == -1 || (held == 1 && mapshare_consistent(ms)))
        err(1, "lock");
    for (; *lines; lines++)
        append(ms, *lines);
    if (mapshare_sync(ms, 0, 0, MS_SYNC, NULL))
        err(1, "sync");
    if (mapshare_notify(ms) || mapshare_unlock(ms))
        err(1, "notify");
}

/* Prints what there is and what comes, up to a line "end". */
static void follow(struct mapshare *ms)
{
    const struct log *log = mapshare_addr(ms);
    uint64_t printed = 0, seen = 0;

    while (printed < 4 || memcmp(log->text + printed - 4, "end\n", 4) != 0) {
        while (log->used == printed) {
            if (mapshare_watch(ms, &seen, NULL))
                err(1, "watch");
        }
        printed += fwrite(log->text + printed, 1, log->used - printed, stdout);
        fflush(stdout);
    }
}

int main(int argc, char **argv)
{
    struct mapshare_options options = {.size = STEP, .reserve = RESERVE};
    struct mapshare *ms;

    if (argc < 2) {
        fprintf(
            stderr,
            "usage: growing-log FILE LINE...\n       growing-log FILE\nAppends lines to FILE; or prints them as they come, up to "
            "the line \"end\".\n");
        return 2;
    }
    ms = mapshare_open(argv[1], O_RDWR | O_CREAT, 0644, &options);
    if (!ms)
        err(1, "%s", argv[1]);
    if (argc > 2)
        write_lines(ms, argv + 2);
    else
        follow(ms);
    return mapshare_close(ms) ? 1 : 0;
}
