/* Clients that number what they do, and when each began and was told to be durable, in events of the disk: after a cut of power each must have what it was told
 * before, or something later that had begun, and that whole.
 *   power-clients run FOLDER NOTES COUNT      until SIGTERM
 *   power-clients check FOLDER NOTES EVENTS   in the store, recovered from a state after so many events */
#include "config.h"

#include <mapshare.h>

#include "power.h"

#define NUMBERS 65536u
#define PAGES 6
#define FILES 2

struct numbered {
    uint64_t began, told; /* 0: not */
};

static struct numbered *notes;
static power_count *count;
static volatile bool stopped;

static void stop(int signal)
{
    (void)signal;
    stopped = true;
}

/* Its `number` begins, until end(). */
static struct numbered *begin(struct numbered *numbers, uint64_t number)
{
    CHECK(number < NUMBERS);
    numbers[number].began = *count;
    return &numbers[number];
}

static void end(struct numbered *number)
{
    number->told = *count;
    usleep(500);
}

/* ---- two atomic files in one commit ---- */

static void run_group(struct numbered *numbers)
{
    struct mapshare_options options = {.size = PAGES * PAGE, .flags = MAPSHARE_OPEN_ATOMIC};
    struct mapshare *files[FILES];

    for (int i = 0; i < FILES; i++)
        CHECK((files[i] = mapshare_open(i ? "group-1" : "group-0", O_RDWR | O_CREAT | O_EXCL, 0644, &options)));
    for (uint64_t number = 1; !stopped; number++) {
        struct numbered *now = begin(numbers, number);

        for (int i = 0; i < FILES * PAGES; i++)
            stamp_page((char *)mapshare_addr(files[i / PAGES]) + i % PAGES * PAGE, (uint64_t)i, number);
        CHECK(mapshare_commit(files, FILES, NULL) == 0);
        end(now);
    }
}

static int64_t look_at_pages(const char *path, int from, int pages)
{
    int fd = open(path, O_RDONLY);
    int64_t found = -2, stamp;
    char page[PAGE];

    for (int i = 0; fd >= 0 && i < pages; i++) {
        ssize_t length = pread(fd, page, PAGE, i * PAGE);

        if (length == 0 && i == 0)
            found = 0; /* not written yet */
        if (length == 0)
            break;
        stamp = length == PAGE ? stamp_of(page, (uint64_t)(from + i)) : -1;
        found = found == -2 || found == stamp ? stamp : -1;
    }
    if (fd >= 0)
        close(fd);
    return fd < 0 ? 0 : found;
}

static int64_t look_at_group(void)
{
    int64_t one = look_at_pages("group-0", 0, PAGES), other = look_at_pages("group-1", PAGES, PAGES);

    return one == other ? one : -1;
}

/* ---- records that are appended ---- */

static void run_append(struct numbered *numbers)
{
    int fd = open("appended", O_WRONLY | O_CREAT | O_APPEND, 0644);

    CHECK(fd >= 0);
    for (uint64_t number = 1; !stopped; number++) {
        struct numbered *now = begin(numbers, number);

        CHECK(write(fd, &number, sizeof(number)) == sizeof(number) && fdatasync(fd) == 0);
        end(now);
    }
}

static int64_t look_at_append(void)
{
    int fd = open("appended", O_RDONLY);
    uint64_t number, last = 0;

    while (fd >= 0 && read(fd, &number, sizeof(number)) == sizeof(number)) {
        if (number != ++last)
            return -1;
    }
    if (fd >= 0)
        close(fd);
    return (int64_t)last;
}

/* ---- a file that is replaced ---- */

static void run_replace(struct numbered *numbers)
{
    char page[PAGE];
    int folder = open(".", O_RDONLY | O_DIRECTORY), fd;

    for (uint64_t number = 1; !stopped; number++) {
        struct numbered *now = begin(numbers, number);

        CHECK((fd = open("new", O_WRONLY | O_CREAT | O_TRUNC, 0644)) >= 0);
        for (uint64_t i = 0; i < PAGES; i++) {
            stamp_page(page, i, number);
            CHECK(write(fd, page, PAGE) == PAGE);
        }
        CHECK(number % 2 == 0 || fsync(fd) == 0); /* it is committed before it is renamed in any case */
        CHECK(rename("new", "replaced") == 0 && fsync(fd) == 0 && fsync(folder) == 0 && close(fd) == 0);
        end(now);
    }
}

static int64_t look_at_replaced(void)
{
    return look_at_pages("replaced", 0, PAGES);
}

/* ---- a page that is mapped ---- */

static void run_mapped(struct numbered *numbers)
{
    int fd = open("mapped", O_RDWR | O_CREAT, 0644);
    volatile uint64_t *words;

    CHECK(fd >= 0 && ftruncate(fd, PAGE) == 0);
    words = map_shared(fd, PAGE);
    for (uint64_t number = 1; !stopped; number++) {
        struct numbered *now = begin(numbers, number);

        words[0] = number;
        CHECK(msync((void *)words, PAGE, MS_SYNC) == 0);
        end(now);
    }
}

static int64_t look_at_mapped(void)
{
    uint64_t number = 0;
    int fd = open("mapped", O_RDONLY);

    if (fd >= 0 && read(fd, &number, sizeof(number)) < 0)
        return -1;
    if (fd >= 0)
        close(fd);
    return (int64_t)number;
}

static const struct {
    const char *name;
    void (*run)(struct numbered *numbers); /* number after number */
    int64_t (*look)(void);                 /* which one is there; -1: none that is whole */
} clients[] = {{"group", run_group, look_at_group},
               {"append", run_append, look_at_append},
               {"replace", run_replace, look_at_replaced},
               {"mapped", run_mapped, look_at_mapped}};
#define CLIENTS (int)(sizeof(clients) / sizeof(clients[0]))

static void run(void)
{
    int status;

    signal(SIGTERM, stop);
    for (int i = 0; i < CLIENTS; i++) {
        if (fork() == 0) {
            clients[i].run(notes + i * NUMBERS);
            _exit(0);
        }
    }
    for (int i = 0; i < CLIENTS; i++) {
        CHECK(wait(&status) > 0 || errno == EINTR);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a client ended with status %x", status);
    }
}

static void check(uint64_t events)
{
    for (int i = 0; i < CLIENTS; i++) {
        const struct numbered *numbers = notes + i * NUMBERS;
        int64_t told = 0, begun = 0, found = clients[i].look();

        for (uint64_t n = 1; n < NUMBERS && (n == 1 || numbers[n - 1].told); n++) {
            if (numbers[n].told && numbers[n].told <= events)
                told = (int64_t)n;
            if (numbers[n].began && numbers[n].began <= events)
                begun = (int64_t)n;
        }
        CHECK(found >= told && found <= begun, "%s: %ld is there, %ld was told, %ld had begun", clients[i].name, (long)found,
              (long)told, (long)begun);
    }
}

int main(int argc, char **argv)
{
    int fd;

    CHECK(argc == 5);
    fd = open(argv[3], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && ftruncate(fd, (off_t)(CLIENTS * NUMBERS * sizeof(*notes))) == 0, "%s", argv[3]);
    notes = map_shared(fd, CLIENTS * NUMBERS * sizeof(*notes));
    if (strcmp(argv[1], "run") == 0)
        count = power_map(argv[4]);
    CHECK(chdir(argv[2]) == 0, "%s", argv[2]);
    if (strcmp(argv[1], "run") == 0)
        run();
    else
        check(strtoull(argv[4], NULL, 0));
    return 0;
}
