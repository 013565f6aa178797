/* Memory without a file, and handing memory and files to other processes. */
#include "config.h"

#include <sys/socket.h>

#include "library.h"

static void it_is_zero_and_shared_with_children(void **state)
{
    struct mapshare *ms = mapshare_anonymous(10000);
    volatile char *address;
    pid_t child;

    (void)state;
    assert_non_null(ms);
    assert_int_equal(mapshare_size(ms), 10000);
    address = mapshare_addr(ms);
    for (size_t i = 0; i < 10000; i++)
        assert_int_equal(address[i], 0);
    child = fork();
    if (child == 0) {
        address[9999] = 'c';
        _exit(0);
    }
    assert_child_succeeds(child);
    assert_int_equal(address[9999], 'c');
    assert_fails(mapshare_resize(ms, 20000), ENOTSUP);
    assert_fails(ftruncate(mapshare_fd(ms), 0), EPERM); /* nobody can take it away */
    assert_int_equal(mapshare_close(ms), 0);
}

static void sizes_that_are_refused(void **state)
{
    (void)state;
    assert_fails_null(mapshare_anonymous(0), EINVAL);
    assert_fails_null(mapshare_anonymous(SIZE_MAX), ENOMEM);
}

/* The receiver is made before the memory, so nothing is inherited. */
static void the_receiver_shares_bytes_lock_and_notices(void **state)
{
    struct mapshare *ms;
    int pair[2];
    pid_t child;

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    child = fork();
    if (child == 0) {
        struct mapshare *got = mapshare_receive(pair[1]);
        uint64_t seen = 0;

        alarm(30);
        CHILD_CHECK(got);
        CHILD_CHECK(mapshare_size(got) == 2 * PAGE);
        CHILD_CHECK(mapshare_watch(got, &seen, NULL) == 0);
        CHILD_CHECK(strcmp(mapshare_addr(got), "over there") == 0);
        CHILD_CHECK(mapshare_lock(got) == 0);
        _exit(0); /* dies with the lock */
    }
    close(pair[1]);
    ms = mapshare_anonymous(2 * PAGE);
    assert_non_null(ms);
    assert_int_equal(mapshare_send(ms, pair[0]), 0);
    strcpy(mapshare_addr(ms), "over there");
    assert_int_equal(mapshare_notify(ms), 0);
    assert_child_succeeds(child);
    assert_int_equal(mapshare_lock(ms), 1);
    assert_int_equal(mapshare_consistent(ms), 0);
    assert_int_equal(mapshare_unlock(ms), 0);
    close(pair[0]);
    assert_int_equal(mapshare_close(ms), 0);
}

static void a_file_is_handed_over_with_its_rights(void **state)
{
    struct mapshare *ms = open_sized("handed", PAGE), *reader = mapshare_open(in_scratch("handed"), O_RDONLY, 0, NULL), *got;
    int pair[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(mapshare_send(ms, pair[0]), 0);
    got = mapshare_receive(pair[1]);
    assert_non_null(got);
    assert_int_equal(mapshare_close(ms), 0);
    strcpy(mapshare_addr(got), "from the receiver");
    assert_string_equal(mapshare_addr(reader), "from the receiver");
    assert_int_equal(mapshare_resize(got, 4 * PAGE), 0);
    assert_fails(mapshare_resize(got, PAGE), EBUSY); /* the reader has it */
    assert_int_equal(mapshare_send(reader, pair[0]), 0);
    assert_int_equal(mapshare_close(reader), 0);
    reader = mapshare_receive(pair[1]);
    assert_non_null(reader);
    assert_string_equal(mapshare_addr(reader), "from the receiver");
    assert_fails(mapshare_resize(reader, PAGE), EBADF);
    assert_int_equal(mapshare_close(reader), 0);
    assert_int_equal(mapshare_resize(got, PAGE), 0);
    assert_int_equal(mapshare_close(got), 0);
}

static int open_descriptors(void)
{
    int count = 0;

    for (int fd = 0; fd < 1024; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

/* count descriptors with a message of length bytes. */
static void send_raw(int socket, const int *descriptors, size_t count, const void *bytes, size_t length)
{
    char control[CMSG_SPACE(3 * sizeof(int))] = {0};
    struct iovec content = {(void *)(uintptr_t)bytes, length};
    struct msghdr message = {.msg_iov = &content, .msg_iovlen = 1};

    if (count > 0) {
        struct cmsghdr *header;

        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(count * sizeof(int));
        header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(header), descriptors, count * sizeof(int));
    }
    assert_int_equal(sendmsg(socket, &message, 0), length);
}

static void what_is_no_parcel_is_refused_and_leaks_nothing(void **state)
{
    const uint64_t nonsense[2] = {1, 2};
    int pair[2], descriptors[3], before;

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    for (int i = 0; i < 3; i++)
        descriptors[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    before = open_descriptors();
    send_raw(pair[0], NULL, 0, nonsense, sizeof(nonsense));
    assert_fails_null(mapshare_receive(pair[1]), EPROTO);
    send_raw(pair[0], descriptors, 1, nonsense, sizeof(nonsense));
    assert_fails_null(mapshare_receive(pair[1]), EPROTO);
    send_raw(pair[0], descriptors, 3, nonsense, sizeof(nonsense));
    assert_fails_null(mapshare_receive(pair[1]), EPROTO);
    send_raw(pair[0], descriptors, 1, "x", 1);
    assert_fails_null(mapshare_receive(pair[1]), EPROTO);
    assert_int_equal(open_descriptors(), before);
    for (int i = 0; i < 3; i++)
        close(descriptors[i]);
    close(pair[0]);
    assert_fails_null(mapshare_receive(pair[1]), ENOTCONN);
    close(pair[1]);
}

/* What mapshare_send() would send for a descriptor of anything. */
static struct mapshare *receive_forged(int fd, uint64_t reserve)
{
    const struct {
        uint64_t magic, reserve;
    } parcel = {0x6d73686172653031u, reserve};
    struct mapshare *got;
    int pair[2], error;

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    send_raw(pair[0], &fd, 1, &parcel, sizeof(parcel));
    got = mapshare_receive(pair[1]);
    error = errno;
    close(pair[0]);
    close(pair[1]);
    errno = error;
    return got;
}

/* Its sender could end us with SIGBUS. */
static void memory_that_can_be_cut_is_refused(void **state)
{
    int before = open_descriptors(), fd = memfd_create("unsealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    struct mapshare *got;

    (void)state;
    assert_true(fd >= 0 && ftruncate(fd, (off_t)(2 * PAGE)) == 0);
    assert_fails_null(receive_forged(fd, 2 * PAGE), EPERM);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), 0);
    assert_fails_null(receive_forged(fd, 2 * PAGE), EPERM);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
    got = receive_forged(fd, 2 * PAGE);
    assert_non_null(got);
    assert_int_equal(mapshare_close(got), 0);
    close(fd);
    fd = memfd_create("never sealed", MFD_CLOEXEC);
    assert_true(fd >= 0 && ftruncate(fd, (off_t)PAGE) == 0);
    assert_fails_null(receive_forged(fd, PAGE), EPERM);
    close(fd);
    assert_int_equal(open_descriptors(), before);
}

static size_t kilobytes_of_address_space(void)
{
    FILE *status = fopen("/proc/self/statm", "re");
    size_t pages = 0;

    assert_non_null(status);
    assert_int_equal(fscanf(status, "%zu", &pages), 1);
    fclose(status);
    return pages * (size_t)sysconf(_SC_PAGESIZE) / 1024;
}

static void the_sender_does_not_choose_how_much_is_mapped(void **state)
{
    const size_t most = (size_t)2 << 20; /* kilobytes: the reserve, and what else comes */
    int file = open(in_scratch("sent"), O_RDWR | O_CREAT | O_CLOEXEC, 0600),
        fd = memfd_create("sealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    struct mapshare *got;
    size_t before;

    (void)state;
    assert_true(file >= 0 && ftruncate(file, (off_t)PAGE) == 0);
    assert_true(fd >= 0 && ftruncate(fd, (off_t)PAGE) == 0);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
    before = kilobytes_of_address_space();
    got = receive_forged(file, (uint64_t)64 << 40);
    assert_non_null(got);
    assert_true(kilobytes_of_address_space() < before + most);
    assert_int_equal(mapshare_close(got), 0);
    got = receive_forged(fd, UINT64_MAX);
    assert_non_null(got);
    assert_true(kilobytes_of_address_space() < before + most);
    assert_int_equal(mapshare_size(got), PAGE);
    assert_int_equal(mapshare_close(got), 0);
    close(file);
    close(fd);
}

static void a_socket_that_is_closed_is_told(void **state)
{
    struct mapshare *ms = mapshare_anonymous(1);
    int pair[2];

    (void)state;
    assert_non_null(ms);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    close(pair[1]);
    assert_fails(mapshare_send(ms, pair[0]), EPIPE);
    close(pair[0]);
    assert_fails(mapshare_send(ms, -1), EBADF);
    assert_fails_null(mapshare_receive(-1), EBADF);
    assert_int_equal(mapshare_close(ms), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_zero_and_shared_with_children),
        cmocka_unit_test(sizes_that_are_refused),
        cmocka_unit_test(the_receiver_shares_bytes_lock_and_notices),
        cmocka_unit_test(a_file_is_handed_over_with_its_rights),
        cmocka_unit_test(what_is_no_parcel_is_refused_and_leaks_nothing),
        cmocka_unit_test(memory_that_can_be_cut_is_refused),
        cmocka_unit_test(the_sender_does_not_choose_how_much_is_mapped),
        cmocka_unit_test(a_socket_that_is_closed_is_told),
    };

    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
