#include "config.h"

#include "process/handover.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "log.h"

int handover_write(const struct daemon *daemon)
{
    struct handover handover = {.magic = HANDOVER_MAGIC,
                                .format = HANDOVER_FORMAT,
                                .size = sizeof handover,
                                .place = daemon->place,
                                .store_marks = daemon->store_marks,
                                .log_to_system = log_is_to_system()};
    int fd = memfd_create("mapshare handover", MFD_CLOEXEC);
    ssize_t n;

    if (fd < 0)
        return -errno;
    memcpy(handover.owned, daemon->owned, sizeof handover.owned);
    snprintf(handover.program, sizeof handover.program, "%s", daemon->program);
    n = pwrite(fd, &handover, sizeof handover, 0);
    if (n == sizeof handover)
        return fd;
    close(fd);
    return -ENOMEM;
}

int handover_read(int fd, struct handover *handover)
{
    ssize_t n = pread(fd, handover, sizeof *handover, 0);

    if (n < 0)
        return -errno;
    if (n != sizeof *handover || handover->magic != HANDOVER_MAGIC || handover->format != HANDOVER_FORMAT ||
        handover->size != sizeof *handover)
        return -EPROTO;
    handover->program[sizeof handover->program - 1] = 0;
    return 0;
}
