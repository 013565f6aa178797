/* rollback-model MOUNT PLAIN ROUNDS: processes store, write, cut, punch, commit and roll back several files at random, each through its own mapping.
 * Each looks at every page, and at sizes and times, and finds what a model has. At the end all is rolled back; PLAIN/FILE is what must then be there. */
#include "config.h"

#include <sys/socket.h>

#include "check.h"
#include "mapshare.h"

#define PROCESSES 3
#define FILES 4
#define PAGES 24

enum act { STORE, WRITE, CUT, PUNCH, TIMES, SYNC, COMMIT, ROLL_BACK, LOOK };

struct order {
    enum act act;
    unsigned file, set, page; /* set: of files, a bit each; page: or how many */
    uint64_t generation;
};

struct image {
    unsigned pages;
    uint64_t generations[PAGES]; /* 0: zeros */
    struct timespec mtime;
};

static struct {
    struct image now[FILES], committed[FILES];
} * model; /* shared */

static struct mapshare *files[FILES]; /* each process has its own */

static const char *name_of(unsigned file)
{
    static const char *const names[FILES] = {"zero", "one", "two", "three"};

    return names[file];
}

static bool is_atomic(unsigned file)
{
    return file % 2;
}

/* ---- in a process ---- */

static void look(void)
{
    for (unsigned i = 0; i < FILES; i++) {
        const struct image *image = &model->now[i];
        struct stat status;

        CHECK(fstat(mapshare_fd(files[i]), &status) == 0);
        CHECK(status.st_size == image->pages * PAGE, "%s has %lld bytes, not %u pages", name_of(i), (long long)status.st_size,
              image->pages);
        for (unsigned page = 0; page < image->pages; page++) {
            int64_t found = stamp_of((char *)mapshare_addr(files[i]) + page * PAGE, page);

            CHECK(found == (int64_t)image->generations[page], "%s, page %u: generation %lld, not %llu", name_of(i), page,
                  (long long)found, (unsigned long long)image->generations[page]);
        }
    }
}

static void act_on_one(const struct order *order)
{
    const struct timespec times[2] = {{(time_t)order->generation, 1}, {(time_t)order->generation, 2}};
    int fd = mapshare_fd(files[order->file]);
    char *map = mapshare_addr(files[order->file]);
    uint64_t words[PAGE / sizeof(uint64_t)];

    switch (order->act) {
    case STORE:
        stamp_page(map + order->page * PAGE, order->page, order->generation);
        break;
    case WRITE:
        stamp_page(words, order->page, order->generation);
        CHECK(pwrite(fd, words, PAGE, (off_t)order->page * PAGE) == PAGE);
        break;
    case CUT:
        CHECK(ftruncate(fd, (off_t)order->page * PAGE) == 0);
        break;
    case PUNCH:
        CHECK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)order->page * PAGE, PAGE) == 0);
        break;
    case TIMES:
        CHECK(futimens(fd, times) == 0);
        break;
    default: /* what the mapping has, and the rest of the file */
        CHECK(msync(map, PAGES * PAGE, MS_SYNC) == 0 || errno == ENOMEM);
        CHECK(fsync(fd) == 0);
    }
}

static void act_on_several(const struct order *order)
{
    struct mapshare *list[FILES];
    size_t count = 0;

    for (unsigned i = 0; i < FILES; i++) {
        if (order->set & 1u << i)
            list[count++] = files[i];
    }
    if (order->act == COMMIT)
        CHECK(mapshare_commit(list, count, NULL) == 0);
    else
        CHECK(mapshare_rollback(list, count, NULL) == 0);
}

static void serve(int socket)
{
    struct order order;

    for (unsigned i = 0; i < FILES; i++) {
        struct mapshare_options options = {.flags = is_atomic(i) ? MAPSHARE_OPEN_ATOMIC : 0};

        files[i] = mapshare_open(name_of(i), O_RDWR | O_CREAT, 0644, &options);
        CHECK(files[i]);
    }
    while (recv(socket, &order, sizeof order, 0) == sizeof order) {
        if (order.act == LOOK)
            look();
        else if (order.act == COMMIT || order.act == ROLL_BACK)
            act_on_several(&order);
        else
            act_on_one(&order);
        CHECK(send(socket, "", 1, 0) == 1);
    }
    _exit(0);
}

/* ---- the model ---- */

static int sockets[PROCESSES];

static void tell(unsigned process, struct order order)
{
    char answer;

    CHECK(send(sockets[process], &order, sizeof order, MSG_NOSIGNAL) == sizeof order);
    CHECK(recv(sockets[process], &answer, 1, 0) == 1, "process %u has failed", process);
}

static struct timespec mtime_of(unsigned file)
{
    struct stat status;

    CHECK(stat(name_of(file), &status) == 0);
    return status.st_mtim;
}

static void change_model(const struct order *order)
{
    struct image *now = &model->now[order->file];

    switch (order->act) {
    case CUT:
        for (unsigned page = now->pages < order->page ? now->pages : order->page; page < PAGES; page++)
            now->generations[page] = 0;
        now->pages = order->page;
        break;
    case PUNCH:
        now->generations[order->page] = 0;
        break;
    case STORE:
    case WRITE:
        now->generations[order->page] = order->generation;
        if (now->pages <= order->page)
            now->pages = order->page + 1;
        break;
    default:
        break;
    }
}

static void end_transaction(const struct order *order)
{
    struct timespec mtime;

    for (unsigned i = 0; i < FILES; i++) {
        if (!(order->set & 1u << i))
            continue;
        mtime = mtime_of(i);
        if (order->act == ROLL_BACK) {
            CHECK(memcmp(&mtime, &model->committed[i].mtime, sizeof mtime) == 0, "%s", name_of(i));
            model->now[i] = model->committed[i];
        } else {
            model->now[i].mtime = mtime;
            model->committed[i] = model->now[i];
        }
    }
    for (unsigned i = 0; i < PROCESSES; i++)
        tell(i, (struct order){.act = LOOK});
}

static void one_round(uint64_t *random, uint64_t generation)
{
    struct order order = {
        .act = random_next(random) % 20,
        .file = random_next(random) % FILES,
        .page = random_next(random) % PAGES,
        .generation = generation,
    };

    if (order.act >= LOOK)
        order.act = order.act % 2 ? STORE : order.act % 6 ? WRITE : ROLL_BACK;
    if ((order.act == STORE || order.act == PUNCH) && order.page >= model->now[order.file].pages)
        order.act = WRITE;
    if (order.act == COMMIT || order.act == ROLL_BACK)
        order.set = 1 + random_next(random) % ((1u << FILES) - 1);
    if (order.act == SYNC)
        order.set = 1u << order.file;
    tell(random_next(random) % PROCESSES, order);
    if (order.set)
        end_transaction(&order);
    else
        change_model(&order);
}

static void start(void)
{
    for (unsigned i = 0; i < PROCESSES; i++) {
        int pair[2];

        CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
        if (fork() == 0) {
            close(pair[0]);
            serve(pair[1]);
        }
        close(pair[1]);
        sockets[i] = pair[0];
        tell(i, (struct order){.act = LOOK}); /* they are there, and empty */
    }
    for (unsigned i = 0; i < FILES; i++) {
        model->now[i].mtime = mtime_of(i);
        model->committed[i] = model->now[i];
    }
}

static void write_images(const char *folder)
{
    for (unsigned i = 0; i < FILES; i++) {
        const struct image *image = &model->committed[i];
        char path[PAGE];
        int fd;

        snprintf(path, sizeof path, "%s/%s", folder, name_of(i));
        fd = make_file(path, (off_t)image->pages * PAGE);
        for (unsigned page = 0; page < image->pages; page++) {
            uint64_t words[PAGE / sizeof(uint64_t)];

            stamp_page(words, page, image->generations[page]);
            if (image->generations[page])
                CHECK(pwrite(fd, words, PAGE, (off_t)page * PAGE) == PAGE);
        }
        close(fd);
    }
}

int main(int argc, char **argv)
{
    uint64_t random = random_seed();
    int status;

    CHECK(argc == 4 && chdir(argv[1]) == 0);
    model = mmap(NULL, sizeof *model, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(model != MAP_FAILED);
    start();
    for (long round = 1; round <= atol(argv[3]); round++)
        one_round(&random, (uint64_t)round);
    tell(0, (struct order){.act = ROLL_BACK, .set = (1u << FILES) - 1});
    end_transaction(&(struct order){.act = ROLL_BACK, .set = (1u << FILES) - 1});
    write_images(argv[2]);
    for (unsigned i = 0; i < PROCESSES; i++)
        close(sockets[i]);
    for (unsigned i = 0; i < PROCESSES; i++)
        CHECK(wait(&status) > 0 && status == 0);
    return 0;
}
