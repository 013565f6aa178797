/* Memory without a file, shared by a parent and its child: a shared mapping of /dev/zero equals anonymous memory.
 *
 * Both print the first strings; the parent stores the second ones; both see them.
 */
#include <err.h>
#include <fcntl.h>
#include <mapshare-mmap.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char *anonymous, *zero;

static void say(void)
{
    printf("PID %d:\tanonymous %s, zero-backed %s\n", (int)getpid(), anonymous, zero);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    struct mapshare *turn; /* no bytes of it are used, only its notices */
    uint64_t seen = 0;
    int status, fd;
    pid_t child;

    (void)argv;
    if (argc != 1) {
        fprintf(stderr, "usage: anonymous-zero\nShares memory without a file between a parent and its child.\n");
        return 2;
    }
    turn = mapshare_anonymous(1);
    fd = open("/dev/zero", O_RDWR);
    if (fd < 0 || !turn)
        err(1, "/dev/zero");
    anonymous = mapshare_mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_SHARED, -1, 0);
    zero = mapshare_mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (anonymous == MAP_FAILED || zero == MAP_FAILED)
        err(1, "mmap");
    close(fd);

    strcpy(anonymous, "string 1");
    strcpy(zero, "string 1");
    say();
    child = fork();
    if (child < 0)
        err(1, "fork");
    if (child == 0) {
        say();
        mapshare_notify(turn); /* 1: the child has seen the first strings */
        while (seen < 2)
            mapshare_watch(turn, &seen, NULL);
        say();
        return 0;
    }
    while (seen < 1)
        mapshare_watch(turn, &seen, NULL);
    strcpy(anonymous, "string 2");
    strcpy(zero, "string 2");
    say();
    mapshare_notify(turn); /* 2: there are new ones */
    if (waitpid(child, &status, 0) != child || status != 0)
        errx(1, "the child failed");
    return mapshare_munmap(anonymous, 4096) || mapshare_munmap(zero, 4096) || mapshare_close(turn) ? 1 : 0;
}
