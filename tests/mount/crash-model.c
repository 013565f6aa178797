/* Random changes of an atomic file with commits in between, until the mount goes away; what the file must be then is kept outside:
 * exactly the last commit that was answered, or the one that was under way.
 *   crash-model write FOLDER NOTES    crash-model check FOLDER NOTES
 * The file is renamed now and then. */
#include "config.h"

#include "check.h"

#define PAGES 96

struct state {
    uint64_t pages;         /* of the file's size */
    uint64_t stamps[PAGES]; /* what each page is filled with; 0: zeros */
};

/* Kept in plain memory of a file outside; written only by this program, so that only the daemon's crash is tried. */
struct notes {
    struct state committed, pending;
    uint64_t committing; /* pending may have become durable */
    uint64_t name;       /* the file is called "model-NAME" or "model-(NAME + 1)" */
    uint64_t commits;
};

static struct notes *notes;
static struct state now;
static uint64_t random_state, next_stamp = 1;
static unsigned char *map;
static int fd;

static uint64_t below(uint64_t limit)
{
    return random_next(&random_state) % limit;
}

static void fill_page(uint64_t *page, uint64_t stamp)
{
    for (size_t i = 0; i < PAGE / sizeof(*page); i++)
        ((volatile uint64_t *)page)[i] = stamp;
}

static void change(void)
{
    uint64_t buffer[PAGE / 8], first = below(now.pages + 1), count = below(12) + 1, size;

    switch (below(8)) {
    case 0: /* truncate */
        size = below(PAGES) + 1;
        done_if(ftruncate(fd, (off_t)size * PAGE) != 0, "truncate");
        for (uint64_t i = size; i < PAGES; i++)
            now.stamps[i] = 0;
        now.pages = size;
        break;
    case 1: /* punch */
        if (first + count > now.pages)
            break;
        done_if(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)first * PAGE, (off_t)count * PAGE) != 0, "punch");
        memset(&now.stamps[first], 0, count * sizeof(now.stamps[0]));
        break;
    case 2: /* write, maybe growing */
        for (; count > 0 && first < PAGES; count--, first++) {
            fill_page(buffer, next_stamp);
            done_if(pwrite(fd, buffer, PAGE, (off_t)first * PAGE) != PAGE, "write");
            now.stamps[first] = next_stamp++;
            if (first >= now.pages)
                now.pages = first + 1;
        }
        break;
    case 3: /* push what is stored out of the kernel, without a commit */
        done_if(sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER) != 0, "push");
        break;
    default:
        for (; count > 0 && first < now.pages; count--, first++) {
            fill_page((uint64_t *)(void *)(map + first * PAGE), next_stamp);
            now.stamps[first] = next_stamp++;
        }
    }
}

static void commit(void)
{
    notes->pending = now;
    __atomic_store_n(&notes->committing, 1, __ATOMIC_RELEASE);
    done_if((below(2) ? fsync(fd) : msync(map, PAGES * PAGE, MS_SYNC)) != 0, "sync");
    notes->committed = now; /* both are the same: no moment shows a mixture */
    notes->commits++;
    __atomic_store_n(&notes->committing, 0, __ATOMIC_RELEASE);
}

static void name_of(char *name, uint64_t number)
{
    sprintf(name, "model-%lu", (unsigned long)number);
}

static void rename_file(void)
{
    char old[40], new[40];

    name_of(old, notes->name);
    name_of(new, notes->name + 1);
    done_if(rename(old, new) != 0, "rename");
    notes->name++;
}

static int open_file(void)
{
    char name[40];
    int found;

    name_of(name, notes->name + 1);
    found = open(name, O_RDWR);
    if (found >= 0) {
        notes->name++;
        return found;
    }
    name_of(name, notes->name);
    return open(name, O_RDWR);
}

static void write_until_gone(void)
{
    random_state = random_seed();
    fd = open_file();
    done_if(fd < 0, "open");
    map = map_shared(fd, PAGES * PAGE);
    now = notes->committed;
    for (uint64_t i = 0; i < PAGES; i++)
        if (now.stamps[i] >= next_stamp)
            next_stamp = now.stamps[i] + 1;
    next_stamp += 1000000; /* stamps given before the crash and lost never come again */
    for (;;) {
        for (uint64_t i = below(6) + 1; i > 0; i--)
            change();
        commit();
        if (below(16) == 0)
            rename_file();
    }
}

/* The first page where the file differs from the state; -1: none. */
static int difference(const struct state *state, off_t size)
{
    uint64_t buffer[PAGE / 8];

    if (size != (off_t)state->pages * PAGE)
        return PAGES;
    for (uint64_t page = 0; page < state->pages; page++) {
        CHECK(pread(fd, buffer, PAGE, (off_t)page * PAGE) == PAGE);
        for (size_t i = 0; i < PAGE / 8; i++)
            if (buffer[i] != state->stamps[page])
                return (int)page;
    }
    return -1;
}

static void check(void)
{
    int committed, pending = -2;
    struct stat status;

    fd = open_file();
    CHECK(fd >= 0 && fstat(fd, &status) == 0);
    committed = difference(&notes->committed, status.st_size);
    if (notes->committing)
        pending = difference(&notes->pending, status.st_size);
    CHECK(committed == -1 || pending == -1,
          "after %lu commits: size %ld pages, committed %lu, pending %lu; first difference from the commit at page %d, from the "
          "one under way %d",
          (unsigned long)notes->commits, (long)status.st_size / PAGE, (unsigned long)notes->committed.pages,
          (unsigned long)notes->pending.pages, committed, pending);
    printf("%lu commits, then %s\n", (unsigned long)notes->commits, committed == -1 ? "exactly the last" : "the one under way");
    if (committed != -1)
        notes->committed = notes->pending;
    notes->committing = 0;
}

int main(int argc, char **argv)
{
    int notes_fd;

    CHECK(argc == 4);
    notes_fd = open(argv[3], O_RDWR | O_CREAT, 0600);
    CHECK(notes_fd >= 0 && ftruncate(notes_fd, sizeof(*notes)) == 0);
    notes = map_shared(notes_fd, sizeof(*notes));
    signal(SIGBUS, gone);
    done_if(chdir(argv[2]) != 0, "chdir");
    if (strcmp(argv[1], "write") == 0)
        write_until_gone();
    check();
    return 0;
}
