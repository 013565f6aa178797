/* What System V shared memory is used for: memory that stays after its processes, until it is removed.
 *
 * On a mapsharefs mount an atomic file is exactly that. Until somebody commits it, its content is in the daemon's memory only:
 * every process sees it, none has to stay, and a crash of the system forgets it. One commit makes it durable.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <mapshare.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SIZE 4096

static int run(struct mapshare *ms, int argc, char **argv)
{
    char *text = mapshare_addr(ms);
    struct mapshare_status status;

    if (strcmp(argv[2], "put") == 0 && argc == 4) {
        snprintf(text, SIZE, "%s", argv[3]);
        return 0;
    }
    if (strcmp(argv[2], "get") == 0 && argc == 3)
        return puts(text) < 0;
    if (strcmp(argv[2], "keep") == 0 && argc == 3)
        return mapshare_sync(ms, 0, 0, MS_SYNC, NULL);
    if (strcmp(argv[2], "show") == 0 && argc == 3) {
        if (mapshare_stat(ms, &status, sizeof(status)))
            return -1;
        printf("%llu bytes, of which a crash now would leave %llu\n", (unsigned long long)status.size,
               (unsigned long long)status.committed_size);
        return 0;
    }
    errno = EINVAL;
    return -1;
}

int main(int argc, char **argv)
{
    struct mapshare_options options = {.size = SIZE, .flags = MAPSHARE_OPEN_ATOMIC};
    struct mapshare *ms;
    int result;

    if (argc < 3) {
        fprintf(stderr, "usage: system-v-memory FILE put TEXT | get | show | keep | remove\n"
                        "Memory that stays until it is removed; in memory only until \"keep\".\n");
        return 2;
    }
    if (strcmp(argv[2], "remove") == 0) {
        if (unlink(argv[1]))
            err(1, "%s", argv[1]);
        return 0;
    }
    ms = mapshare_open(argv[1], O_RDWR | O_CREAT, 0600, &options);
    if (!ms && errno == ENOTSUP)
        errx(3, "%s is not on a mapsharefs mount", argv[1]);
    if (!ms)
        err(1, "%s", argv[1]);
    result = run(ms, argc, argv);
    if (result)
        warn("%s", argv[2]);
    return mapshare_close(ms) || result ? 1 : 0;
}
