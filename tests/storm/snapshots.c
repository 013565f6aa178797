/* One process lets a file grow and stores into it; others look. What stat says never goes back, is never less than what the first
 * was told before, and each msync has marked the file (T1). At the end size and mark are the last ones. */
#include "config.h"

#include "storm.h"

#define LOOKERS 2
#define LIMIT (64 << 20) /* bytes; what is mapped, far more than is reached */
#define STEP 150         /* bytes */

enum { SIZE, MARK }; /* in storm->more: what was told last */

static uint64_t nanoseconds(struct timespec time)
{
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static uint64_t now(clockid_t clock)
{
    struct timespec time;

    clock_gettime(clock, &time);
    return nanoseconds(time);
}

static uint64_t mark_of(int fd, uint64_t earliest, const char *after)
{
    struct stat status;
    uint64_t mark;

    CHECK(fstat(fd, &status) == 0);
    mark = nanoseconds(status.st_mtim);
    CHECK(mark >= earliest, "after %s the mark is %.9f s too early", after, (double)(earliest - mark) / 1e9);
    CHECK(mark <= now(CLOCK_REALTIME), "after %s", after);
    CHECK((uint64_t)status.st_size == storm->more[SIZE], "%lu after %s, expected %lu", (unsigned long)status.st_size, after,
          (unsigned long)storm->more[SIZE]);
    return mark;
}

static void grow(void)
{
    int fd = open("grown", O_RDWR | O_CREAT, 0600);
    uint64_t random = job_seed(0), before, size = 0;
    char *map, text[STEP];

    CHECK(fd >= 0);
    map = map_shared(fd, LIMIT);
    memset(text, 'g', sizeof(text));
    while (!storm->stop && size < LIMIT - STEP) {
        uint64_t step = random_next(&random) % STEP + 1;

        before = now(CLOCK_REALTIME_COARSE);
        if (random_next(&random) % 2)
            CHECK(pwrite(fd, text, step, (off_t)size) == (ssize_t)step);
        else
            CHECK(ftruncate(fd, (off_t)(size + step)) == 0);
        storm->more[SIZE] = size += step;
        storm->more[MARK] = mark_of(fd, before, "growth");
        for (int i = 0; i < 2; i++) { /* twice: the page is dirty already, or it is clean */
            before = now(CLOCK_REALTIME_COARSE);
            map[random_next(&random) % size] = 's';
            if (i == 0 && random_next(&random) % 2)
                continue;
            CHECK(msync(map, size, MS_SYNC) == 0);
            storm->more[MARK] = mark_of(fd, before, "msync");
        }
        storm->told[0]++;
        breathe(&random, 6000);
    }
    CHECK(munmap(map, LIMIT) == 0 && close(fd) == 0);
}

static void look(int number)
{
    uint64_t random = job_seed(number), last_size = 0, last_mark = 0, size, mark, seen_size, seen_mark;
    struct statx status;

    while (!storm->stop || storm->told[number] == 0) {
        mark = storm->more[MARK];
        size = storm->more[SIZE];
        if (mark == 0) {
            CHECK(!storm->stop, "nothing has grown");
            continue;
        }
        CHECK(statx(AT_FDCWD, "grown", random_next(&random) % 2 ? AT_STATX_FORCE_SYNC : 0, STATX_BASIC_STATS, &status) == 0);
        seen_size = status.stx_size;
        seen_mark = (uint64_t)status.stx_mtime.tv_sec * 1000000000 + status.stx_mtime.tv_nsec;
        CHECK(seen_size >= last_size && seen_size >= size, "%lu, seen before %lu, told %lu", (unsigned long)seen_size,
              (unsigned long)last_size, (unsigned long)size);
        CHECK(seen_mark >= last_mark && seen_mark >= mark, "%lu, seen before %lu, told %lu", (unsigned long)seen_mark,
              (unsigned long)last_mark, (unsigned long)mark);
        last_size = seen_size;
        last_mark = seen_mark;
        storm->told[number]++;
        breathe(&random, 4000);
    }
}

static void job(int number)
{
    if (number == 0)
        grow();
    else
        look(number);
}

static void check(void)
{
    struct stat status;

    CHECK(stat("grown", &status) == 0);
    CHECK((uint64_t)status.st_size == storm->more[SIZE], "%lu, told %lu", (unsigned long)status.st_size,
          (unsigned long)storm->more[SIZE]);
    CHECK(nanoseconds(status.st_mtim) == storm->more[MARK], "%lu, told %lu", (unsigned long)nanoseconds(status.st_mtim),
          (unsigned long)storm->more[MARK]);
}

int main(int argc, char **argv)
{
    return storm_main(argc, argv, &(struct client){.jobs = 1 + LOOKERS, .job = job, .check = check});
}
