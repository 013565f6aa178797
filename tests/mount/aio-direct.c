/* After an asynchronous O_DIRECT write has ended, a buffered read sees its bytes, while others read the file too. Argument: a folder. */
#include "config.h"

#include <linux/aio_abi.h>
#include <sys/syscall.h>

#include "check.h"

#define SIZE (160 * PAGE)
#define ROUNDS 600

static void read_for_ever(const char *path)
{
    static char seen[SIZE];
    int fd = open(path, O_RDONLY);

    while (pread(fd, seen, SIZE, 0) >= 0)
        continue;
    _exit(1);
}

int main(int argc, char **argv)
{
    static char seen[SIZE];
    static char data[SIZE] __attribute__((aligned(PAGE)));
    char path[4096];
    aio_context_t context = 0;
    pid_t readers[2];
    int direct, plain, stale = 0;

    CHECK(argc == 2);
    snprintf(path, sizeof path, "%s/aio", argv[1]);
    direct = open(path, O_RDWR | O_CREAT | O_DIRECT, 0600);
    plain = open(path, O_RDONLY);
    CHECK(direct >= 0 && plain >= 0 && ftruncate(direct, SIZE) == 0);
    if (syscall(SYS_io_setup, 1, &context)) {
        printf("no asynchronous I/O here (%s)\n", strerror(errno));
        return 77;
    }
    for (int i = 0; i < 2; i++) {
        readers[i] = fork();
        if (!readers[i])
            read_for_ever(path);
    }
    for (int round = 0; round < ROUNDS; round++) {
        struct iocb control = {
            .aio_fildes = direct, .aio_lio_opcode = IOCB_CMD_PWRITE, .aio_buf = (uintptr_t)data, .aio_nbytes = SIZE};
        struct iocb *list = &control;
        struct io_event event;

        memset(data, round & 1 ? 0x55 : 0xaa, SIZE);
        CHECK(syscall(SYS_io_submit, context, 1, &list) == 1);
        CHECK(syscall(SYS_io_getevents, context, 1, 1, &event, NULL) == 1 && event.res == SIZE);
        CHECK(pread(plain, seen, SIZE, 0) == SIZE);
        stale += memcmp(seen, data, SIZE) != 0;
    }
    for (int i = 0; i < 2; i++) {
        kill(readers[i], SIGKILL);
        waitpid(readers[i], NULL, 0);
    }
    CHECK(stale == 0, "%d of %d reads saw old bytes", stale, ROUNDS);
    return 0;
}
