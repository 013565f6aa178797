/* What the clients of the storm share. `CLIENT run FOLDER NOTES` works in FOLDER until SIGTERM, then leaves in the folder NOTES,
 * which is not on the mount, what must be there; `CLIENT check FOLDER NOTES` tells whether it is. An error that a client sees is a
 * failure. */
#ifndef MAPSHARE_TESTS_STORM_H
#define MAPSHARE_TESTS_STORM_H

#include <sys/prctl.h>

#include "../mount/check.h"

#define JOBS 8

/* Memory of the client's processes, not of the mount's. At the end it is the notes. */
static struct storm {
    volatile bool stop;
    volatile uint64_t told[JOBS]; /* what each process was told is done: written by it alone */
    volatile uint64_t more[JOBS];
} * storm;

struct client {
    int jobs;
    void (*job)(int number);
    void (*check)(void); /* in the folder that it is about; it may be one of a store that is not mounted */
};

static const char *notes;

static void storm_stop(int signal)
{
    (void)signal;
    storm->stop = true;
}

/* A moment between two rounds, so that what a storm writes is bounded and processes do not go in step. */
__attribute__((unused)) static void breathe(uint64_t *random, unsigned limit)
{
    usleep((unsigned)(random_next(random) % limit));
}

__attribute__((unused)) static uint64_t job_seed(int number)
{
    const char *seed = getenv("SEED");

    return ((seed ? strtoull(seed, NULL, 0) : 1) * 2654435761u + (uint64_t)number * 40503) | 1;
}

static void storm_run(const struct client *client)
{
    struct sigaction action = {.sa_handler = storm_stop, .sa_flags = SA_RESTART};
    uint64_t sum = 0;
    int status, fd;
    pid_t pid;

    CHECK(sigaction(SIGTERM, &action, NULL) == 0);
    for (int i = 0; i < client->jobs; i++) {
        pid = fork();
        CHECK(pid >= 0);
        if (pid == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            client->job(i);
            _exit(0);
        }
    }
    for (int i = 0; i < client->jobs; i++) {
        CHECK(wait(&status) > 0);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0, "one of %d processes ended with status %x", client->jobs, status);
    }
    for (int i = 0; i < client->jobs; i++) {
        CHECK(storm->told[i] > 0, "process %d has done nothing", i);
        sum += storm->told[i];
    }
    fd = openat(AT_FDCWD, notes, O_CREAT | O_EXCL | O_WRONLY, 0600);
    CHECK(fd >= 0 && write(fd, storm, sizeof(*storm)) == sizeof(*storm), "%s", notes);
    printf("%lu\n", (unsigned long)sum);
}

static void storm_check(const struct client *client)
{
    int fd = open(notes, O_RDONLY);

    CHECK(fd >= 0 && read(fd, storm, sizeof(*storm)) == sizeof(*storm), "%s", notes);
    client->check();
}

__attribute__((unused)) static int storm_main(int argc, char **argv, const struct client *client)
{
    static char path[4096];

    CHECK(argc == 4);
    snprintf(path, sizeof(path), "%s/told", argv[3]);
    notes = path;
    storm = mmap(NULL, sizeof(*storm), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(storm != MAP_FAILED);
    CHECK(chdir(argv[2]) == 0, "%s", argv[2]);
    if (strcmp(argv[1], "run") == 0)
        storm_run(client);
    else
        storm_check(client);
    return 0;
}

#endif
