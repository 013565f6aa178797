/* Programs that write while a backup is made, and whether what was copied can be of one moment.
 *   backup-load run FOLDER NOTES      until SIGTERM; NOTES, not on the mount, has what each was told is done
 *   backup-load check FOLDER BEFORE   of a copy; BEFORE: the notes from before it was made */
#include "config.h"

#include <mapshare.h>

#include <dirent.h>
#include <limits.h>
#include <sys/prctl.h>

#include "check.h"

#define GROUPS 2
#define FILES 3
#define PAGES 5

enum { NAMES = GROUPS, MOVES, ATTRIBUTES, LINKS, JOBS };

static uint64_t *told; /* of each job; behind these, whether they are to end */
#define stop (*(volatile uint64_t *)&told[JOBS])

static void end(int signal)
{
    (void)signal;
    stop = 1;
}

static const char *name(const char *format, ...) __attribute__((format(printf, 1, 2)));
static const char *name(const char *format, ...)
{
    static char names[4][64];
    static unsigned next;
    char *out = names[next++ % 4];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(out, sizeof names[0], format, arguments);
    va_end(arguments);
    return out;
}

/* ---- three atomic files of one generation ---- */

static void run_group(int group)
{
    struct mapshare_options options = {.size = PAGES * PAGE, .flags = MAPSHARE_OPEN_ATOMIC};
    struct mapshare *files[FILES];

    for (int i = 0; i < FILES; i++)
        CHECK((files[i] = mapshare_open(name("group-%d-%d", group, i), O_RDWR | O_CREAT | O_EXCL, 0644, &options)));
    for (uint64_t generation = 1; !stop; generation++) {
        for (int i = 0; i < FILES; i++)
            for (int page = 0; page < PAGES; page++)
                stamp_page((char *)mapshare_addr(files[i]) + page * PAGE, (uint64_t)(i * PAGES + page), generation);
        CHECK(mapshare_commit(files, FILES, NULL) == 0, "generation %lu", (unsigned long)generation);
        told[group] = generation;
    }
}

static void check_group(int group)
{
    int64_t generation = -1, here;
    char page[PAGE];

    for (int i = 0; i < FILES; i++) {
        int fd = open(name("group-%d-%d", group, i), O_RDONLY);

        CHECK(fd >= 0, "group %d, file %d", group, i);
        for (int j = 0; j < PAGES; j++) {
            CHECK(pread(fd, page, PAGE, j * PAGE) == PAGE, "group %d, file %d", group, i);
            here = stamp_of(page, (uint64_t)(i * PAGES + j));
            generation = generation < 0 ? here : generation;
            CHECK(here == generation, "group %d, file %d, page %d: generation %ld beside %ld", group, i, j, (long)here,
                  (long)generation);
        }
        close(fd);
    }
    CHECK((uint64_t)generation >= told[group], "group %d: generation %ld, %lu was committed before", group, (long)generation,
          (unsigned long)told[group]);
}

/* ---- a new file is complete before the one before it goes ---- */

static void run_names(int job)
{
    for (uint64_t number = 1; !stop; number++) {
        int fd = open(name("number-%lu", (unsigned long)number), O_WRONLY | O_CREAT | O_EXCL, 0644);

        CHECK(fd >= 0 && write(fd, &number, sizeof number) == sizeof number && fsync(fd) == 0 && close(fd) == 0);
        CHECK(number == 1 || unlink(name("number-%lu", (unsigned long)number - 1)) == 0);
        told[job] = number;
    }
}

static void check_names(int job)
{
    unsigned long number, least = ULONG_MAX, most = 0, count = 0;
    DIR *folder = opendir(".");
    uint64_t content = 0;
    int fd;

    for (const struct dirent *entry; (entry = readdir(folder));) {
        if (sscanf(entry->d_name, "number-%lu", &number) != 1)
            continue;
        least = number < least ? number : least;
        most = number > most ? number : most;
        count++;
    }
    closedir(folder);
    CHECK(count >= 1 && count <= 2 && most - least == count - 1 && least >= told[job], "%lu files from %lu to %lu, told %lu", count,
          least, most, (unsigned long)told[job]);
    fd = open(name("number-%lu", least), O_RDONLY);
    CHECK(fd >= 0 && read(fd, &content, sizeof content) == sizeof content && content == least, "file %lu has %lu", least,
          (unsigned long)content);
    close(fd);
}

/* ---- one file goes to and fro, two others swap places ---- */

static void run_moves(int job)
{
    CHECK(mkdir("here", 0755) == 0 && mkdir("there", 0755) == 0);
    close(make_file("here/token", 7));
    close(make_file("left", 1));
    close(make_file("right", 2));
    for (uint64_t number = 1; !stop; number++) {
        const char *from = number % 2 ? "here/token" : "there/token", *to = number % 2 ? "there/token" : "here/token";
        int fd;

        CHECK(rename(from, to) == 0);
        CHECK(renameat2(AT_FDCWD, "left", AT_FDCWD, "right", RENAME_EXCHANGE) == 0);
        CHECK((fd = open("left", O_WRONLY)) >= 0 && fsync(fd) == 0 && close(fd) == 0);
        told[job] = number;
    }
}

static void check_moves(int job)
{
    struct stat left, right;

    (void)job;
    CHECK((access("here/token", F_OK) == 0) + (access("there/token", F_OK) == 0) == 1, "the token is nowhere, or in two places");
    CHECK(stat("left", &left) == 0 && stat("right", &right) == 0);
    CHECK(left.st_size + right.st_size == 3 && left.st_size != right.st_size, "sizes %ld and %ld", (long)left.st_size,
          (long)right.st_size);
}

/* ---- the first file's mode, attribute and times change before the second one's ---- */

static uint64_t number_of(const char *path)
{
    char text[32] = "";

    CHECK(getxattr(path, "user.number", text, sizeof text - 1) > 0, "%s", path);
    return strtoull(text, NULL, 10);
}

static void run_attributes(int job)
{
    CHECK(mkdir("first", 0700) == 0 && mkdir("second", 0700) == 0);
    for (uint64_t number = 1; !stop; number++) {
        struct timespec times[2] = {{(time_t)number, 0}, {(time_t)number, 0}};
        const char *text = name("%lu", (unsigned long)number);

        for (int i = 0; i < 2; i++) {
            const char *path = i ? "second" : "first";

            CHECK(setxattr(path, "user.number", text, strlen(text), 0) == 0);
            CHECK(chmod(path, 0700 | (number & 077)) == 0 && utimensat(AT_FDCWD, path, times, 0) == 0);
        }
        told[job] = number;
    }
}

static void check_attributes(int job)
{
    struct stat first, second;
    uint64_t one = number_of("first"), two = number_of("second");

    CHECK(stat("first", &first) == 0 && stat("second", &second) == 0);
    CHECK(one >= told[job] && (two == one || two + 1 == one), "attributes %lu and %lu", (unsigned long)one, (unsigned long)two);
    CHECK(two == one || (second.st_mode & 077) == (two & 077), "mode %o with attribute %lu", second.st_mode, (unsigned long)two);
    CHECK(first.st_mtime - second.st_mtime <= 1 && first.st_mtime >= second.st_mtime, "times %ld and %ld", (long)first.st_mtime,
          (long)second.st_mtime);
    CHECK((uint64_t)first.st_mtime == one || (uint64_t)first.st_mtime + 1 == one, "time %ld with attribute %lu",
          (long)first.st_mtime, (unsigned long)one);
}

/* ---- a file has its first name, and one or two others ---- */

static void run_links(int job)
{
    close(make_file("linked", 5));
    for (uint64_t number = 1; !stop; number++) {
        CHECK(link("linked", name("link-%lu", (unsigned long)number)) == 0);
        CHECK(number == 1 || unlink(name("link-%lu", (unsigned long)number - 1)) == 0);
        told[job] = number;
    }
}

static void check_links(int job)
{
    struct stat linked, status;
    DIR *folder = opendir(".");
    unsigned long number, count = 1;

    CHECK(stat("linked", &linked) == 0);
    for (const struct dirent *entry; (entry = readdir(folder));) {
        if (sscanf(entry->d_name, "link-%lu", &number) != 1)
            continue;
        CHECK(stat(entry->d_name, &status) == 0 && status.st_ino == linked.st_ino && number >= told[job], "%s", entry->d_name);
        count++;
    }
    closedir(folder);
    CHECK((count == 2 || count == 3) && linked.st_nlink == count, "%lu links, %lu names", (unsigned long)linked.st_nlink, count);
}

static const struct {
    void (*run)(int job);
    void (*check)(int job);
} jobs[JOBS] = {
    [0] = {run_group, check_group},
    [1] = {run_group, check_group},
    [NAMES] = {run_names, check_names},
    [MOVES] = {run_moves, check_moves},
    [ATTRIBUTES] = {run_attributes, check_attributes},
    [LINKS] = {run_links, check_links},
};

static void run(void)
{
    struct sigaction action = {.sa_handler = end, .sa_flags = SA_RESTART};
    int status;

    CHECK(sigaction(SIGTERM, &action, NULL) == 0);
    for (int i = 0; i < JOBS; i++) {
        pid_t pid = fork();

        CHECK(pid >= 0);
        if (pid == 0) {
            prctl(PR_SET_PDEATHSIG, SIGTERM);
            jobs[i].run(i);
            _exit(0);
        }
    }
    for (int i = 0; i < JOBS; i++) {
        while (wait(&status) < 0)
            CHECK(errno == EINTR);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0, "one of the processes ended with status %x", status);
    }
}

int main(int argc, char **argv)
{
    int fd;

    CHECK(argc == 4);
    fd = open(argv[3], O_RDWR | O_CREAT, 0600);
    CHECK(fd >= 0 && ftruncate(fd, PAGE) == 0, "%s", argv[3]);
    told = map_shared(fd, PAGE);
    CHECK(chdir(argv[2]) == 0, "%s", argv[2]);
    if (strcmp(argv[1], "run") == 0) {
        run();
    } else {
        for (int i = 0; i < JOBS; i++)
            jobs[i].check(i);
    }
    return 0;
}
