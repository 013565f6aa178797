/* usage: fair-waits FILE COUNT: COUNT threads wait for a commit of FILE that never comes. Prints "refused" for each that is not let wait, and
 * "other" for one that fails differently; goes on until it is ended. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "mapshare-abi.h"

static int fd;

static void *wait_for_ever(void *argument)
{
    struct mapshare_abi_wait wait = {.sequence = 1ull << 60, .timeout_nanoseconds = -1};

    if (ioctl(fd, MAPSHARE_IOC_WAIT, &wait)) {
        puts(errno == EDQUOT ? "refused" : "other");
        fflush(stdout);
    }
    return argument;
}

int main(int count, char **words)
{
    pthread_attr_t attributes;

    if (count != 3 || (fd = open(words[1], O_RDONLY)) < 0)
        return 1;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 32768);
    for (int i = atoi(words[2]); i > 0; i--) {
        pthread_t thread;

        if (pthread_create(&thread, &attributes, wait_for_ever, NULL))
            return 1;
    }
    for (;;)
        pause();
}
