/* Lines from one process to another through a ring of slots in shared memory. Nobody polls: who has nothing to do waits for a
 * notice.
 *
 * One writer and one reader at a time. The place of each is in the file, so either may end and be started again.
 */
#include <err.h>
#include <fcntl.h>
#include <mapshare.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define SLOTS 16

struct ring {
    _Atomic uint64_t written, read; /* lines so far; the line's number modulo SLOTS is its slot */
    char line[SLOTS][240];
};

static void wait_for_change(struct mapshare *ms, uint64_t *seen)
{
    if (mapshare_watch(ms, seen, NULL))
        err(1, "watch");
}

static void notify(struct mapshare *ms)
{
    if (mapshare_notify(ms))
        err(1, "notify");
}

static void put(struct mapshare *ms, const char *line)
{
    struct ring *ring = mapshare_addr(ms);
    uint64_t number = ring->written, seen = 0;

    while (number - ring->read == SLOTS) /* full */
        wait_for_change(ms, &seen);
    snprintf(ring->line[number % SLOTS], sizeof(ring->line[0]), "%s", line);
    ring->written = number + 1; /* after the line itself: now it can be seen */
    notify(ms);
}

static void get(struct mapshare *ms, char line[240])
{
    struct ring *ring = mapshare_addr(ms);
    uint64_t number = ring->read, seen = 0;

    while (ring->written == number) /* empty */
        wait_for_change(ms, &seen);
    memcpy(line, ring->line[number % SLOTS], sizeof(ring->line[0]));
    ring->read = number + 1;
    notify(ms);
}

int main(int argc, char **argv)
{
    struct mapshare_options options = {.size = sizeof(struct ring)};
    char line[240];
    struct mapshare *ms;

    if (argc != 3 || (strcmp(argv[2], "put") != 0 && strcmp(argv[2], "get") != 0)) {
        fprintf(stderr, "usage: ring-buffer FILE put < LINES\n       ring-buffer FILE get\n"
                        "Sends lines through FILE to another process. The line \"end\" ends both.\n");
        return 2;
    }
    ms = mapshare_open(argv[1], O_RDWR | O_CREAT, 0644, &options);
    if (!ms)
        err(1, "%s", argv[1]);
    if (strcmp(argv[2], "put") == 0) {
        while (fgets(line, sizeof(line), stdin)) {
            line[strcspn(line, "\n")] = '\0';
            put(ms, line);
        }
    } else {
        for (get(ms, line); strcmp(line, "end") != 0; get(ms, line))
            puts(line);
    }
    return mapshare_close(ms) ? 1 : 0;
}
