/* Ten thousand entries: each is read exactly once, offsets stay valid, and what does not change is neither lost nor doubled while
 * others come and go. Argument: an empty folder. */
#include "config.h"

#include <dirent.h>

#include "check.h"

#define ENTRIES 10000
#define CHURN 2000

static unsigned char seen[ENTRIES];
static long offset_after[ENTRIES + 2];

static int number_of(const char *name)
{
    int number;

    return sscanf(name, "entry-%d", &number) == 1 && number >= 0 && number < ENTRIES ? number : -1;
}

static void make(const char *kind, int number)
{
    char name[40];
    int fd;

    snprintf(name, sizeof(name), "%s-%d", kind, number);
    fd = open(name, O_CREAT | O_EXCL | O_WRONLY, 0600);
    CHECK(fd >= 0, "%s", name);
    close(fd);
}

static void expect_each_once(const char *when)
{
    for (int i = 0; i < ENTRIES; i++)
        CHECK(seen[i] == 1, "entry-%d was read %d times %s", i, seen[i], when);
    memset(seen, 0, sizeof(seen));
}

static void read_all(DIR *folder)
{
    struct dirent *entry;
    int dots = 0;

    rewinddir(folder);
    while (errno = 0, (entry = readdir(folder)) != NULL) {
        struct stat status;
        int number = number_of(entry->d_name);

        if (entry->d_name[0] == '.') {
            dots++;
            CHECK(entry->d_type == DT_DIR);
            continue;
        }
        CHECK(number >= 0, "a stranger: %s", entry->d_name);
        seen[number]++;
        if (number % 100 == 0) {
            CHECK(lstat(entry->d_name, &status) == 0 && status.st_ino == entry->d_ino, "%s: inode", entry->d_name);
            CHECK(entry->d_type == DT_REG, "%s: type", entry->d_name);
        }
    }
    CHECK(errno == 0);
    CHECK(dots == 2, "%d of . and ..", dots);
    expect_each_once("in one reading");
}

static void seek_back(DIR *folder)
{
    static char names[ENTRIES + 2][256];
    struct dirent *entry;
    uint64_t random = random_seed();
    int count = 0;

    rewinddir(folder);
    offset_after[0] = telldir(folder);
    while ((entry = readdir(folder)) != NULL) {
        CHECK(count < ENTRIES + 2);
        snprintf(names[count++], sizeof(names[0]), "%s", entry->d_name);
        if (count < ENTRIES + 2)
            offset_after[count] = telldir(folder);
    }
    CHECK(count == ENTRIES + 2);
    for (int i = 0; i < 300; i++) {
        int at = (int)(random_next(&random) % (ENTRIES + 2));

        seekdir(folder, offset_after[at]);
        entry = readdir(folder);
        CHECK(entry != NULL && strcmp(entry->d_name, names[at]) == 0, "position %d: expected %s, read %s", at, names[at],
              entry ? entry->d_name : "the end");
    }
}

/* The reader goes slowly, through positions, while another process makes and removes names. */
static void read_while_it_changes(DIR *folder)
{
    struct dirent *entry;
    int status, count = 0;
    pid_t pid = fork();

    if (pid == 0) {
        for (int i = 0; i < CHURN; i++) {
            char name[40];

            make("other", i);
            snprintf(name, sizeof(name), "other-%d", i - 10);
            if (i >= 10)
                CHECK(unlink(name) == 0);
        }
        _exit(0);
    }
    rewinddir(folder);
    while ((entry = readdir(folder)) != NULL) {
        int number = number_of(entry->d_name);

        if (number >= 0)
            seen[number]++;
        if (++count % 500 == 0) {
            long here = telldir(folder);

            seekdir(folder, offset_after[3]); /* throws the buffer away */
            CHECK(readdir(folder) != NULL);
            seekdir(folder, here);
        }
    }
    expect_each_once("while others changed");
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

static void remove_while_reading(void)
{
    DIR *folder = opendir(".");
    struct dirent *entry;
    int removed = 0;

    while ((entry = readdir(folder)) != NULL)
        if (entry->d_name[0] != '.') {
            CHECK(unlink(entry->d_name) == 0, "%s", entry->d_name);
            removed++;
        }
    CHECK(removed == ENTRIES + 10, "removing while reading reached %d", removed);
    closedir(folder);
    CHECK(chdir("..") == 0 && rmdir("many") == 0, "something is left");
}

int main(int argc, char **argv)
{
    DIR *folder;

    CHECK(argc == 2);
    CHECK(chdir(argv[1]) == 0);
    CHECK(mkdir("many", 0700) == 0 && chdir("many") == 0);
    for (int i = 0; i < ENTRIES; i++)
        make("entry", i);
    folder = opendir(".");
    CHECK(folder != NULL);
    read_all(folder);
    seek_back(folder);
    read_while_it_changes(folder);
    closedir(folder);
    remove_while_reading();
    printf("%d entries\n", ENTRIES);
    return 0;
}
