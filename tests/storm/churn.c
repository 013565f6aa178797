/* Names come and go: create, write, truncate, fsync, rename, link, unlink, mkdir, rmdir, each process in a folder of its own, with
 * a copy of what must be there in plain memory. What must succeed does, what must fail does so with its error; each file's size,
 * content and number of links are looked at on the way. At the end the tree is exactly the copy, which is kept as a list. */
#include "config.h"

#include <dirent.h>
#include <limits.h>

#include "storm.h"

#define CHURNERS 2
#define FOLDERS 5
#define NAMES 8
#define LARGEST 40000 /* bytes of a file */

struct file {
    uint64_t content; /* its bytes follow from this */
    int links, size;
};

/* names[folder][name]; folder 0 is the process's own and always there, the others lie in it. */
static struct file *names[FOLDERS][NAMES];
static bool there[FOLDERS] = {true};
static uint64_t seed;
static int process;

static uint64_t below(uint64_t limit)
{
    return random_next(&seed) % limit;
}

static const char *path_of(int folder, int name)
{
    static char paths[2][40];
    static int turn;
    char *path = paths[turn = !turn];

    if (folder == 0)
        snprintf(path, sizeof(paths[0]), "name-%d", name);
    else
        snprintf(path, sizeof(paths[0]), "folder-%d/name-%d", folder, name);
    return path;
}

static const char *folder_path(int folder)
{
    static char paths[2][40];
    static int turn;
    char *path = paths[turn = !turn];

    snprintf(path, sizeof(paths[0]), "folder-%d", folder);
    return path;
}

static void bytes_of(uint64_t content, char *bytes, int size)
{
    for (int i = 0; i < size; i++)
        bytes[i] = (char)(content >> i % 8 * 8) ^ (char)(i / 512);
}

/* The result of an operation on names is foretold: 0 or an error. Where two errors are right, either may come. */
static bool foretold(int result, int error, const char *what, const char *path)
{
    int seen = result < 0 ? errno : 0;

    CHECK(seen == error || (error == ENOTEMPTY && seen == EEXIST), "%s %s after %lu operations: %s, expected %s", what, path,
          (unsigned long)storm->told[process], strerrorname_np(seen), strerrorname_np(error));
    return seen == 0;
}

static void drop(struct file **place)
{
    if (*place && --(*place)->links == 0)
        free(*place);
    *place = NULL;
}

static void look_at(int fd, const struct file *file, const char *path)
{
    static char expected[LARGEST], seen[LARGEST + 1];
    struct stat status;

    CHECK(fstat(fd, &status) == 0);
    CHECK((int)status.st_nlink == file->links, "%s has %lu links, expected %d", path, (unsigned long)status.st_nlink, file->links);
    CHECK(status.st_size == file->size, "%s has %ld bytes, expected %d", path, (long)status.st_size, file->size);
    bytes_of(file->content, expected, file->size);
    CHECK(pread(fd, seen, sizeof(seen), 0) == file->size && memcmp(seen, expected, (size_t)file->size) == 0, "content of %s", path);
}

static void create(int folder, int name)
{
    struct file **place = &names[folder][name];
    const char *path = path_of(folder, name);
    int fd = open(path, O_CREAT | O_EXCL | O_RDWR, 0600);

    if (!foretold(fd, !there[folder] ? ENOENT : *place ? EEXIST : 0, "create", path))
        return;
    *place = calloc(1, sizeof(**place));
    (*place)->links = 1;
    close(fd);
}

static void rewrite(int folder, int name)
{
    static char bytes[LARGEST];
    struct file *file = names[folder][name];
    const char *path = path_of(folder, name);
    int fd = open(path, O_RDWR);

    if (!foretold(fd, file ? 0 : ENOENT, "open", path))
        return;
    look_at(fd, file, path);
    if (below(3) == 0)
        CHECK(ftruncate(fd, 0) == 0);
    file->content = random_next(&seed);
    file->size = (int)below(LARGEST);
    bytes_of(file->content, bytes, file->size);
    CHECK(pwrite(fd, bytes, (size_t)file->size, 0) == file->size, "%s", path);
    CHECK(ftruncate(fd, file->size) == 0, "%s", path);
    if (below(2))
        CHECK(fsync(fd) == 0, "%s", path);
    look_at(fd, file, path);
    CHECK(close(fd) == 0, "%s", path);
}

static void move(int folder, int name)
{
    int to_folder = (int)below(FOLDERS), to_name = (int)below(NAMES);
    struct file **from = &names[folder][name], **to = &names[to_folder][to_name];
    const char *path = path_of(folder, name);

    if (!foretold(rename(path, path_of(to_folder, to_name)), *from && there[to_folder] ? 0 : ENOENT, "rename", path))
        return;
    if (*from == *to)
        return; /* two names of one file: both stay */
    drop(to);
    *to = *from;
    *from = NULL;
}

static void add_link(int folder, int name)
{
    int to_folder = (int)below(FOLDERS), to_name = (int)below(NAMES);
    struct file **from = &names[folder][name], **to = &names[to_folder][to_name];
    const char *path = path_of(folder, name);

    if (!foretold(link(path, path_of(to_folder, to_name)), !*from || !there[to_folder] ? ENOENT : *to ? EEXIST : 0, "link", path))
        return;
    *to = *from;
    (*to)->links++;
}

static void remove_name(int folder, int name)
{
    const char *path = path_of(folder, name);

    if (foretold(unlink(path), names[folder][name] ? 0 : ENOENT, "unlink", path))
        drop(&names[folder][name]);
}

static bool is_empty(int folder)
{
    for (int i = 0; i < NAMES; i++)
        if (names[folder][i])
            return false;
    return true;
}

/* A folder is made, removed, or takes another's name with all that is in it. */
static void change_folder(void)
{
    int folder = 1 + (int)below(FOLDERS - 1), other = 1 + (int)below(FOLDERS - 1);
    const char *path = folder_path(folder);

    switch (below(3)) {
    case 0:
        if (foretold(mkdir(path, 0700), there[folder] ? EEXIST : 0, "mkdir", path))
            there[folder] = true;
        break;
    case 1:
        if (foretold(rmdir(path), !there[folder] ? ENOENT : is_empty(folder) ? 0 : ENOTEMPTY, "rmdir", path))
            there[folder] = false;
        break;
    default:
        if (foretold(rename(path, folder_path(other)),
                     !there[folder]                       ? ENOENT
                     : folder == other || is_empty(other) ? 0
                                                          : ENOTEMPTY,
                     "rename", path) &&
            folder != other) {
            memcpy(names[other], names[folder], sizeof(names[0]));
            memset(names[folder], 0, sizeof(names[0]));
            there[folder] = false;
            there[other] = true;
        }
        break;
    }
}

/* A line for each name that must be there. */
static void list_model(FILE *list)
{
    for (int folder = 0; folder < FOLDERS; folder++) {
        if (folder > 0 && there[folder])
            fprintf(list, "%s folder\n", folder_path(folder));
        for (int name = 0; name < NAMES; name++)
            if (names[folder][name])
                fprintf(list, "%s %d %d %016lx\n", path_of(folder, name), names[folder][name]->links, names[folder][name]->size,
                        (unsigned long)names[folder][name]->content);
    }
}

static const char *list_name(int number)
{
    static char name[PATH_MAX + 20];

    snprintf(name, sizeof(name), "%s-%d", notes, number);
    return name;
}

static void job(int number)
{
    char folder[40];
    FILE *list;

    process = number;
    seed = job_seed(number);
    snprintf(folder, sizeof(folder), "churn-%d", number);
    CHECK(mkdir(folder, 0700) == 0 && chdir(folder) == 0);
    for (; !storm->stop; storm->told[number]++) {
        static void (*const operations[])(int, int) = {create, create, rewrite,  rewrite,    rewrite,
                                                       move,   move,   add_link, remove_name};
        uint64_t which = below(sizeof(operations) / sizeof(operations[0]) + 2);

        if (which < sizeof(operations) / sizeof(operations[0]))
            operations[which]((int)below(FOLDERS), (int)below(NAMES));
        else
            change_folder();
        breathe(&seed, 3000);
    }
    list = fopen(list_name(number), "w");
    CHECK(list, "%s", list_name(number));
    list_model(list);
    CHECK(fclose(list) == 0);
}

static int count_names(const char *path)
{
    DIR *folder = opendir(path);
    int count = 0;

    CHECK(folder, "%s", path);
    for (struct dirent *entry; (entry = readdir(folder));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            count += entry->d_type == DT_DIR ? 1 + count_names(entry->d_name) : 1;
    closedir(folder);
    return count;
}

/* Every name of the list is there, and the tree has no others. */
static void check_one(int number)
{
    char folder[40], path[40], kind[40];
    FILE *list = fopen(list_name(number), "r");
    int expected = 0;

    CHECK(list, "%s", list_name(number));
    snprintf(folder, sizeof(folder), "churn-%d", number);
    CHECK(chdir(folder) == 0);
    for (; fscanf(list, "%39s %39s", path, kind) == 2; expected++) {
        struct file file = {.links = atoi(kind)};
        struct stat status;
        int fd;

        if (strcmp(kind, "folder") == 0) {
            CHECK(stat(path, &status) == 0 && S_ISDIR(status.st_mode), "%s/%s", folder, path);
            continue;
        }
        CHECK(fscanf(list, "%d %lx", &file.size, &file.content) == 2);
        fd = open(path, O_RDONLY);
        CHECK(fd >= 0, "%s/%s", folder, path);
        look_at(fd, &file, path);
        close(fd);
    }
    fclose(list);
    CHECK(count_names(".") == expected, "%s has %d names, expected %d", folder, count_names("."), expected);
    CHECK(chdir("..") == 0);
}

static void check(void)
{
    for (int i = 0; i < CHURNERS; i++)
        check_one(i);
}

int main(int argc, char **argv)
{
    return storm_main(argc, argv, &(struct client){.jobs = CHURNERS, .job = job, .check = check});
}
