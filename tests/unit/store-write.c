/* Both stores do the same: all of a batch, whatever its shape, and each write's own result. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "store/store.h"

#define FILE_BYTES (8u << 20)

struct fixture {
    struct store *store;
    int fd;
    unsigned char *memory, *found;
};

static int make(void **state, bool uring)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    FILE *file = tmpfile();
    assert_non_null(fixture);
    assert_non_null(file);
    fixture->fd = dup(fileno(file));
    fclose(file);
    fixture->memory = aligned_alloc(4096, FILE_BYTES);
    fixture->found = aligned_alloc(4096, FILE_BYTES);
    for (size_t i = 0; i < FILE_BYTES; i++)
        fixture->memory[i] = (unsigned char)(i / 4096 * 7 + i % 251);
    assert_int_equal(uring ? store_open_uring(&fixture->store, 8, -1, NULL) : store_open_serial(&fixture->store), 0);
    *state = fixture;
    return 0;
}

static int make_uring(void **state)
{
    return make(state, true);
}

static int make_serial(void **state)
{
    return make(state, false);
}

static int unmake(void **state)
{
    struct fixture *fixture = *state;
    store_close(fixture->store);
    close(fixture->fd);
    free(fixture->memory);
    free(fixture->found);
    free(fixture);
    return 0;
}

static void check_bytes(struct fixture *fixture, size_t length)
{
    assert_int_equal(pread(fixture->fd, fixture->found, length, 0), length);
    assert_memory_equal(fixture->found, fixture->memory, length);
}

static void one_write_of_many_pieces(void **state)
{
    struct fixture *fixture = *state;
    size_t pieces = 3 * IOV_MAX / 2;
    struct iovec *iov = calloc(pieces, sizeof(*iov));
    for (size_t i = 0; i < pieces; i++)
        iov[i] = (struct iovec){.iov_base = fixture->memory + i * 4096, .iov_len = 4096};
    struct store_write write = {.fd = fixture->fd, .iov = iov, .iovcnt = (int)pieces, .result = 1};
    assert_int_equal(fixture->store->operations->write(fixture->store, &write, 1), 0);
    assert_int_equal(write.result, 0);
    check_bytes(fixture, pieces * 4096);
    free(iov);
}

static void one_large_piece_and_odd_lengths(void **state)
{
    struct fixture *fixture = *state;
    struct iovec iov[] = {
        {.iov_base = fixture->memory, .iov_len = 5000001},
        {.iov_base = fixture->memory + 5000001, .iov_len = 0},
        {.iov_base = fixture->memory + 5000001, .iov_len = 7},
        {.iov_base = fixture->memory + 5000008, .iov_len = 1000000},
    };
    struct store_write write = {.fd = fixture->fd, .iov = iov, .iovcnt = 4};
    assert_int_equal(fixture->store->operations->write(fixture->store, &write, 1), 0);
    check_bytes(fixture, 6000008);
}

static void more_writes_than_go_at_once(void **state)
{
    struct fixture *fixture = *state;
    struct store_write writes[500];
    struct iovec iov[500];
    for (int i = 0; i < 500; i++) {
        int page = i * 77 % 500;
        iov[i] = (struct iovec){.iov_base = fixture->memory + page * 4096, .iov_len = 4096};
        writes[i] = (struct store_write){.fd = fixture->fd, .offset = page * 4096, .iov = &iov[i], .iovcnt = 1};
    }
    assert_int_equal(fixture->store->operations->write(fixture->store, writes, 500), 0);
    check_bytes(fixture, 500 * 4096);
}

static void nothing_is_no_error(void **state)
{
    struct fixture *fixture = *state;
    struct store_write write = {.fd = fixture->fd, .result = 1};
    assert_int_equal(fixture->store->operations->write(fixture->store, NULL, 0), 0);
    assert_int_equal(fixture->store->operations->write(fixture->store, &write, 1), 0);
    assert_int_equal(write.result, 0);
}

static void a_failed_write_does_not_stop_the_others(void **state)
{
    struct fixture *fixture = *state;
    struct store_write writes[20];
    struct iovec iov[20];
    int read_only = open("/dev/null", O_RDONLY);
    for (int i = 0; i < 20; i++) {
        iov[i] = (struct iovec){.iov_base = fixture->memory + i * 4096, .iov_len = 4096};
        writes[i] = (struct store_write){.fd = i == 5 ? read_only : fixture->fd, .offset = i * 4096, .iov = &iov[i], .iovcnt = 1};
    }
    assert_int_equal(fixture->store->operations->write(fixture->store, writes, 20), -EBADF);
    for (int i = 0; i < 20; i++)
        assert_int_equal(writes[i].result, i == 5 ? -EBADF : 0);
    memset(fixture->memory + 5 * 4096, 0, 4096);
    check_bytes(fixture, 20 * 4096);
    close(read_only);
}

/* A limit in the middle of a piece makes a short write, then an error. */
static void a_short_write_becomes_an_error(void **state)
{
    struct fixture *fixture = *state;
    struct rlimit before, limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = 3u << 20;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    struct iovec iov = {.iov_base = fixture->memory, .iov_len = 4u << 20};
    struct store_write write = {.fd = fixture->fd, .iov = &iov, .iovcnt = 1};
    int result = fixture->store->operations->write(fixture->store, &write, 1);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(result, -EFBIG);
    assert_int_equal(write.result, -EFBIG);
    check_bytes(fixture, 3u << 20);
}

static void the_rest(void **state)
{
    struct fixture *fixture = *state;
    const struct store_operations *operations = fixture->store->operations;
    struct iovec iov = {.iov_base = fixture->memory, .iov_len = 16384};
    struct store_write write = {.fd = fixture->fd, .iov = &iov, .iovcnt = 1};
    struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 2, .tv_nsec = 3}};
    struct stat status;
    assert_int_equal(operations->write(fixture->store, &write, 1), 0);
    int punched = operations->punch(fixture->store, fixture->fd, 4096, 8192);
    assert_int_equal(operations->truncate(fixture->store, fixture->fd, 14000), 0);
    assert_int_equal(operations->set_times(fixture->store, fixture->fd, times), 0);
    assert_int_equal(operations->flush(fixture->store, fixture->fd), 0);
    assert_int_equal(operations->sync(fixture->store, fixture->fd), 0);
    assert_int_equal(fstat(fixture->fd, &status), 0);
    assert_int_equal(status.st_size, 14000);
    assert_int_equal(status.st_mtim.tv_sec, 2);
    assert_int_equal(status.st_mtim.tv_nsec, 3);
    if (punched == 0)
        memset(fixture->memory + 4096, 0, 8192);
    else
        assert_int_equal(punched, -EOPNOTSUPP);
    check_bytes(fixture, 14000);
    assert_int_equal(operations->flush(fixture->store, -1), -EBADF);
    assert_int_equal(operations->truncate(fixture->store, -1, 0), -EBADF);
}

#define THREADS 6

struct part {
    struct fixture *fixture;
    int number;
    pthread_t thread;
};

static void *write_part(void *argument)
{
    struct part *part = argument;
    for (int round = 0; round < 50; round++) {
        struct store_write writes[40];
        struct iovec iov[40];
        for (int i = 0; i < 40; i++) {
            size_t offset = (size_t)(i * THREADS + part->number) * 4096;
            iov[i] = (struct iovec){.iov_base = part->fixture->memory + offset, .iov_len = 4096};
            writes[i] = (struct store_write){.fd = part->fixture->fd, .offset = (off_t)offset, .iov = &iov[i], .iovcnt = 1};
        }
        if (part->fixture->store->operations->write(part->fixture->store, writes, 40) != 0)
            return part;
    }
    return NULL;
}

static void several_threads(void **state)
{
    struct part parts[THREADS];
    for (int i = 0; i < THREADS; i++) {
        parts[i] = (struct part){.fixture = *state, .number = i};
        assert_int_equal(pthread_create(&parts[i].thread, NULL, write_part, &parts[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *failed;
        pthread_join(parts[i].thread, &failed);
        assert_null(failed);
    }
    check_bytes(*state, (size_t)THREADS * 40 * 4096);
}

#define BOTH(name) \
    cmocka_unit_test_setup_teardown(name, make_serial, unmake), cmocka_unit_test_setup_teardown(name, make_uring, unmake)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(one_write_of_many_pieces),
        BOTH(one_large_piece_and_odd_lengths),
        BOTH(more_writes_than_go_at_once),
        BOTH(nothing_is_no_error),
        BOTH(a_failed_write_does_not_stop_the_others),
        BOTH(a_short_write_becomes_an_error),
        BOTH(the_rest),
        BOTH(several_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
