/* mapshare_mmap, mapshare_munmap and mapshare_msync: each flag and each error of the manual pages of mmap. On a mount, too (TEST_FOLDER). */
#include "config.h"

#include <sys/resource.h>
#include <sys/statvfs.h>

#include "library.h"
#include "mapshare-mmap.h"

#define RW (PROT_READ | PROT_WRITE)

#define assert_map_fails(call, error)         \
    do {                                      \
        errno = 0;                            \
        assert_ptr_equal((call), MAP_FAILED); \
        assert_int_equal(errno, (error));     \
    } while (0)

/* A new file of so many bytes, each its offset modulo 251. */
static int filled(const char *name, size_t size)
{
    int fd = open(in_scratch(name), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    unsigned char *bytes = malloc(size);

    assert_true(fd >= 0 && bytes);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (unsigned char)(i % 251);
    assert_int_equal(write(fd, bytes, size), size);
    free(bytes);
    return fd;
}

static unsigned char *map(size_t length, int prot, int flags, int fd)
{
    unsigned char *address = mapshare_mmap(NULL, length, prot, flags, fd, 0);

    assert_ptr_not_equal(address, MAP_FAILED);
    return address;
}

static unsigned char byte_of_file(int fd, off_t offset)
{
    unsigned char byte;

    assert_int_equal(pread(fd, &byte, 1, offset), 1);
    return byte;
}

/* The signal that an access ends with, or 0. */
static int signal_of(volatile unsigned char *address, bool store)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        signal(SIGSEGV, SIG_DFL);
        signal(SIGBUS, SIG_DFL);
        if (store)
            *address = 1;
        (void)*address;
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
}

/* Is this two-letter flag (proc(5), VmFlags) set for the mapping at address? */
static bool has_mapping_flag(const void *address, const char *flag)
{
    FILE *file = fopen("/proc/self/smaps", "re");
    char *line = NULL, start[32], wanted[8];
    bool inside = false, found = false;
    size_t room = 0;

    assert_non_null(file);
    snprintf(start, sizeof(start), "%lx-", (unsigned long)(uintptr_t)address);
    snprintf(wanted, sizeof(wanted), " %s", flag);
    while (getline(&line, &room, file) > 0) {
        if (strncmp(line, start, strlen(start)) == 0)
            inside = true;
        if (inside && strncmp(line, "VmFlags:", 8) == 0) {
            found = strstr(line, wanted) != NULL;
            break;
        }
    }
    free(line);
    fclose(file);
    return found;
}

static void protections(void **state)
{
    int fd = filled("protections", PAGE);
    unsigned char *readable = map(PAGE, PROT_READ, MAP_SHARED, fd), *writable = map(PAGE, RW, MAP_SHARED, fd),
                  *none = map(PAGE, PROT_NONE, MAP_SHARED, fd);

    (void)state;
    assert_int_equal(readable[7], 7);
    assert_int_equal(signal_of(readable, true), SIGSEGV);
    assert_int_equal(signal_of(readable, false), 0);
    assert_int_equal(signal_of(writable, true), 0);
    assert_int_equal(signal_of(none, false), SIGSEGV);
    writable[7] = 70;
    assert_int_equal(readable[7], 70);
    assert_map_fails(mapshare_mmap(NULL, PAGE, 0x40, MAP_SHARED, fd, 0), EINVAL);
    assert_int_equal(mapshare_munmap(readable, PAGE), 0);
    assert_int_equal(mapshare_munmap(writable, PAGE), 0);
    assert_int_equal(mapshare_munmap(none, PAGE), 0);
    assert_int_equal(signal_of(readable, false), SIGSEGV);
    close(fd);
}

static void code_can_be_run(void **state)
{
#if defined(__x86_64__)
    const unsigned char answer[] = {0xb8, 42, 0, 0, 0, 0xc3}; /* mov $42, %eax; ret */
#elif defined(__aarch64__)
    const unsigned char answer[] = {0x40, 0x05, 0x80, 0x52, 0xc0, 0x03, 0x5f, 0xd6}; /* mov w0, #42; ret */
#else
    const unsigned char answer[] = {0};
#endif
    int fd = filled("code", PAGE);
    struct statvfs place;
    int (*function)(void);
    void *code;

    (void)state;
    assert_int_equal(pwrite(fd, answer, sizeof(answer), 0), sizeof(answer));
    assert_int_equal(fstatvfs(fd, &place), 0);
    code = mapshare_mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
    if (place.f_flag & ST_NOEXEC) {
        assert_ptr_equal(code, MAP_FAILED);
        assert_int_equal(errno, EPERM);
    } else {
        assert_ptr_not_equal(code, MAP_FAILED);
        if (sizeof(answer) > 1) {
            memcpy(&function, &code, sizeof(function));
            assert_int_equal(function(), 42);
        }
    }
    close(fd);
}

static void shared_goes_to_the_file_and_private_does_not(void **state)
{
    int fd = filled("sharing", 2 * PAGE);
    unsigned char *shared = map(2 * PAGE, RW, MAP_SHARED, fd), *private = map(2 * PAGE, RW, MAP_PRIVATE, fd);

    (void)state;
    shared[1] = 100;
    assert_int_equal(byte_of_file(fd, 1), 100);
    private[2] = 200;
    assert_int_equal(byte_of_file(fd, 2), 2);
    assert_int_equal(shared[2], 2);
    shared[3] = 30;
    assert_int_equal(private[3], 3); /* its page is a copy by now */
    shared[PAGE] = 40;
    assert_int_equal(private[PAGE], 40); /* this one is not */
    assert_int_equal(mapshare_msync(private, 2 * PAGE, MS_SYNC), 0);
    assert_int_equal(byte_of_file(fd, 2), 2);
    assert_map_fails(mapshare_mmap(NULL, PAGE, RW, 0, fd, 0), EINVAL);
    assert_map_fails(mapshare_mmap(NULL, PAGE, RW, MAP_SHARED | MAP_PRIVATE, fd, 0), EINVAL);
    assert_map_fails(mapshare_mmap(NULL, PAGE, RW, MAP_SHARED | 0x40000000, fd, 0), EINVAL);
    close(fd);
}

static void fixed_replaces_and_noreplace_does_not(void **state)
{
    int fd = filled("fixed", 2 * PAGE);
    unsigned char *place = map(4 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1);

    (void)state;
    place[PAGE] = 99;
    assert_map_fails(mapshare_mmap(place + PAGE, PAGE, RW, MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0), EEXIST);
    assert_int_equal(place[PAGE], 99);
    assert_map_fails(mapshare_mmap(place + 1, PAGE, RW, MAP_SHARED | MAP_FIXED, fd, 0), EINVAL);
    assert_ptr_equal(mapshare_mmap(place + PAGE, PAGE, RW, MAP_SHARED | MAP_FIXED, fd, (off_t)PAGE), place + PAGE);
    assert_int_equal(place[PAGE + 1], (PAGE + 1) % 251);
    assert_int_equal(place[2 * PAGE], 0);
    assert_int_equal(mapshare_munmap(place + PAGE, PAGE), 0);
    assert_ptr_equal(mapshare_mmap(place + PAGE, PAGE, RW, MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0), place + PAGE);
    assert_int_equal(place[PAGE + 1], 1);
    /* Without it the address is a wish. */
    assert_ptr_not_equal(mapshare_mmap(place, PAGE, RW, MAP_SHARED, fd, 0), place);
    close(fd);
}

static void anonymous_and_zero_are_the_same(void **state)
{
    int fd = open("/dev/zero", O_RDWR | O_CLOEXEC);
    unsigned char *memory[3];
    pid_t child;

    (void)state;
    assert_true(fd >= 0);
    memory[0] = map(PAGE, RW, MAP_SHARED | MAP_ANON, -1);
    memory[1] = map(PAGE, RW, MAP_SHARED, fd);
    memory[2] = map(PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    close(fd);
    child = fork();
    if (child == 0) {
        for (int i = 0; i < 3; i++) {
            CHILD_CHECK(memory[i][5] == 0);
            memory[i][5] = 55;
        }
        _exit(0);
    }
    assert_child_succeeds(child);
    assert_int_equal(memory[0][5], 55);
    assert_int_equal(memory[1][5], 55);
    assert_int_equal(memory[2][5], 0);
    assert_map_fails(mapshare_mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, 0, 0), EINVAL);
    assert_map_fails(mapshare_mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, (off_t)PAGE), EINVAL);
}

static void flags_without_effect_are_taken(void **state)
{
    int fd = filled("without", PAGE);

    (void)state;
    assert_int_equal(map(PAGE, RW, MAP_SHARED | MAP_EXECUTABLE | MAP_FILE | MAP_NONBLOCK, fd)[3], 3);
    assert_int_equal(map(PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_DENYWRITE | MAP_EXECUTABLE, -1)[3], 0);
    close(fd);
}

static void noreserve_reserves_nothing(void **state)
{
    FILE *file = fopen("/proc/sys/vm/overcommit_memory", "re");
    int mode = 0;

    (void)state;
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%d", &mode), 1);
    fclose(file);
    if (mode == 2)
        skip_because("this kernel reserves everything");
    assert_true(has_mapping_flag(map(PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1), "nr"));
    assert_false(has_mapping_flag(map(3 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1), "nr"));
}

static void locked_means_locked(void **state)
{
    int fd = filled("locked", 4 * PAGE);
    unsigned char *address = map(4 * PAGE, RW, MAP_SHARED | MAP_LOCKED, fd), resident[4];

    (void)state;
    if (SANITIZER)
        skip_because("the sanitizer does not lock memory");
    assert_true(has_mapping_flag(address, "lo"));
    assert_int_equal(mincore(address, 4 * PAGE, resident), 0);
    for (int i = 0; i < 4; i++)
        assert_true(resident[i] & 1);
    assert_fails(mapshare_msync(address, PAGE, MS_SYNC | MS_INVALIDATE), EBUSY);
    assert_int_equal(mapshare_munmap(address, 4 * PAGE), 0);
    /* There is nothing to lock beyond the end. */
    assert_map_fails(mapshare_mmap(NULL, 8 * PAGE, RW, MAP_SHARED | MAP_LOCKED, fd, 0), EAGAIN);
    close(fd);
}

static void too_much_locked_is_refused(void **state)
{
    int fd = filled("too-much", 16 * PAGE);
    pid_t child = fork();

    (void)state;
    if (child == 0) {
        struct rlimit limit = {4 * PAGE, 4 * PAGE};
        void *address;

        CHILD_CHECK(setrlimit(RLIMIT_MEMLOCK, &limit) == 0);
        if (geteuid() == 0)
            CHILD_CHECK(setgid(65534) == 0 && setuid(65534) == 0);
        address = mapshare_mmap(NULL, 16 * PAGE, RW, MAP_SHARED | MAP_LOCKED, fd, 0);
        CHILD_CHECK(address == MAP_FAILED && errno == EAGAIN);
        address = mapshare_mmap(NULL, 2 * PAGE, RW, MAP_SHARED | MAP_LOCKED, fd, 0);
        CHILD_CHECK(address != MAP_FAILED);
        _exit(0);
    }
    assert_child_succeeds(child);
    close(fd);
}

static void growsdown_grows(void **state)
{
    unsigned char *place = map(512 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1), *top = place + 510 * PAGE;
    int fd = filled("growsdown", PAGE);

    (void)state;
    if (SANITIZER)
        skip_because("the sanitizer has memory of its own below");
    assert_int_equal(mapshare_munmap(place, 512 * PAGE), 0);
    assert_ptr_equal(mapshare_mmap(top, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED, -1, 0), top);
    assert_true(has_mapping_flag(top, "gd"));
    assert_int_equal(signal_of(top - 1, true), 0);
    assert_map_fails(mapshare_mmap(NULL, PAGE, RW, MAP_SHARED | MAP_GROWSDOWN, fd, 0), EINVAL);
    close(fd);
}

static void low_addresses(void **state)
{
    (void)state;
#ifdef MAP_32BIT
    int fd = filled("low", PAGE);

    assert_true((uintptr_t)map(PAGE, RW, MAP_SHARED | MAP_32BIT, fd) < 0x80000000u);
    close(fd);
#else
    skip_because("this architecture has no MAP_32BIT");
#endif
}

static long faults(void)
{
    struct rusage usage;

    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    return usage.ru_minflt + usage.ru_majflt;
}

static long faults_of_touching(volatile unsigned char *address, size_t pages)
{
    long before = faults();

    for (size_t i = 0; i < pages; i++)
        (void)address[i * PAGE];
    return faults() - before;
}

static void populated_pages_do_not_fault(void **state)
{
    int fd = filled("populate", 64 * PAGE);
    long without = faults_of_touching(map(64 * PAGE, PROT_READ, MAP_SHARED, fd), 64);

    (void)state;
    if (SANITIZER)
        skip_because("the sanitizer has faults of its own");
    assert_true(without > 0);
    assert_true(faults_of_touching(map(64 * PAGE, PROT_READ, MAP_SHARED | MAP_POPULATE, fd), 64) < without);
    assert_int_equal(faults_of_touching(map(64 * PAGE, PROT_READ, MAP_SHARED | MAP_POPULATE, fd), 64), 0);
    /* With MAP_NONBLOCK what is in memory: here, all. */
    assert_int_equal(faults_of_touching(map(64 * PAGE, PROT_READ, MAP_SHARED | MAP_POPULATE | MAP_NONBLOCK, fd), 64), 0);
    close(fd);
}

static void nonblock_reads_nothing(void **state)
{
    int fd = filled("nonblock", 64 * PAGE);
    unsigned char *address, resident[64];

    (void)state;
    assert_int_equal(fsync(fd), 0);
    assert_int_equal(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
    address = map(64 * PAGE, PROT_READ, MAP_SHARED, fd);
    assert_int_equal(mincore(address, 64 * PAGE, resident), 0);
    for (int i = 0; i < 64; i++) {
        if (resident[i] & 1) {
            close(fd);
            skip_because("the file cannot be put out of memory here");
        }
    }
    address = map(64 * PAGE, PROT_READ, MAP_SHARED | MAP_POPULATE | MAP_NONBLOCK, fd);
    assert_int_equal(mincore(address, 64 * PAGE, resident), 0);
    for (int i = 0; i < 64; i++)
        assert_false(resident[i] & 1);
    map(64 * PAGE, PROT_READ, MAP_SHARED | MAP_POPULATE, fd);
    assert_int_equal(mincore(address, 64 * PAGE, resident), 0);
    for (int i = 0; i < 64; i++)
        assert_true(resident[i] & 1);
    close(fd);
}

static void errors_of_descriptors(void **state)
{
    int both = filled("descriptors", PAGE), reader = open(in_scratch("descriptors"), O_RDONLY | O_CLOEXEC),
        writer = open(in_scratch("descriptors"), O_WRONLY | O_CLOEXEC), folder = open(test_folder, O_RDONLY | O_CLOEXEC), ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_map_fails(mapshare_mmap(NULL, PAGE, PROT_READ, MAP_SHARED, writer, 0), EACCES);
    assert_map_fails(mapshare_mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, writer, 0), EACCES);
    assert_map_fails(mapshare_mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, reader, 0), EACCES);
    assert_int_equal(map(PAGE, RW, MAP_PRIVATE, reader)[1], 1);
    assert_map_fails(mapshare_mmap(NULL, PAGE, PROT_READ, MAP_SHARED, folder, 0), ENODEV);
    assert_map_fails(mapshare_mmap(NULL, PAGE, PROT_READ, MAP_SHARED, ends[0], 0), ENODEV);
    assert_map_fails(mapshare_mmap(NULL, PAGE, PROT_READ, MAP_SHARED, -1, 0), EBADF);
    close(both);
    close(reader);
    close(writer);
    close(folder);
    close(ends[0]);
    close(ends[1]);
    assert_map_fails(mapshare_mmap(NULL, PAGE, PROT_READ, MAP_SHARED, reader, 0), EBADF);
    assert_map_fails(mapshare_mmap(NULL, PAGE, PROT_READ, MAP_SHARED | MAP_DENYWRITE, reader, 0), EBADF);
}

static void errors_of_ranges(void **state)
{
    int fd = filled("ranges", PAGE);

    (void)state;
    assert_map_fails(mapshare_mmap(NULL, 0, PROT_READ, MAP_SHARED, fd, 0), EINVAL);
    assert_map_fails(mapshare_mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 1), EINVAL);
    assert_map_fails(mapshare_mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, -(off_t)PAGE), ENXIO);
    assert_map_fails(mapshare_mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, fd, INT64_MAX - (off_t)PAGE + 1), ENXIO);
    assert_map_fails(mapshare_mmap(NULL, SIZE_MAX - PAGE, PROT_READ, MAP_SHARED, fd, 0), ENOMEM);
    close(fd);
}

static void no_address_space_is_told(void **state)
{
    int fd = filled("space", PAGE);
    pid_t child = SANITIZER ? -1 : fork();

    (void)state;
    if (SANITIZER)
        skip_because("the sanitizer needs the address space");
    if (child == 0) {
        struct rlimit limit = {512 << 20, 512 << 20};

        CHILD_CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
        CHILD_CHECK(mapshare_mmap(NULL, (size_t)1 << 30, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED && errno == ENOMEM);
        _exit(0);
    }
    assert_child_succeeds(child);
    close(fd);
}

static void seals_forbid(void **state)
{
    int fd = memfd_create("sealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    (void)state;
    assert_int_equal(ftruncate(fd, (off_t)PAGE), 0);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
    assert_map_fails(mapshare_mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0), EPERM);
    close(fd);
}

static void the_end_of_the_file(void **state)
{
    int fd = filled("end", PAGE + 100);
    unsigned char *address = map(3 * PAGE, RW, MAP_SHARED, fd), byte;
    struct stat status;

    (void)state;
    for (size_t i = PAGE + 100; i < 2 * PAGE; i++)
        assert_int_equal(address[i], 0);
    assert_int_equal(signal_of(address + 2 * PAGE, false), SIGBUS);
    assert_int_equal(signal_of(address + 2 * PAGE, true), SIGBUS);
    address[PAGE + 99] = 1;
    address[PAGE + 100] = 2;
    assert_int_equal(mapshare_msync(address, 2 * PAGE, MS_SYNC), 0);
    assert_int_equal(fstat(fd, &status), 0);
    assert_int_equal(status.st_size, PAGE + 100);
    assert_int_equal(byte_of_file(fd, PAGE + 99), 1);
    assert_int_equal(pread(fd, &byte, 1, PAGE + 100), 0);
    close(fd);
}

static void a_mapping_outlives_its_descriptor_and_goes_to_children(void **state)
{
    int fd = filled("outlives", PAGE), again = open(in_scratch("outlives"), O_RDONLY | O_CLOEXEC);
    unsigned char *address = map(PAGE, RW, MAP_SHARED, fd);
    pid_t child;

    (void)state;
    close(fd);
    child = fork();
    if (child == 0) {
        CHILD_CHECK(address[9] == 9);
        address[9] = 90;
        _exit(0);
    }
    assert_child_succeeds(child);
    assert_int_equal(address[9], 90);
    assert_int_equal(byte_of_file(again, 9), 90);
    close(again);
}

static void errors_of_munmap_and_msync(void **state)
{
    int fd = filled("errors", 2 * PAGE);
    unsigned char *address = map(2 * PAGE, RW, MAP_SHARED, fd);

    (void)state;
    assert_fails(mapshare_munmap(address + 1, PAGE), EINVAL);
    assert_fails(mapshare_munmap(address, 0), EINVAL);
    assert_fails(mapshare_msync(address + 1, PAGE, MS_SYNC), EINVAL);
    assert_fails(mapshare_msync(address, PAGE, 0), EINVAL);
    assert_fails(mapshare_msync(address, PAGE, MS_INVALIDATE), EINVAL);
    assert_fails(mapshare_msync(address, PAGE, MS_SYNC | MS_ASYNC), EINVAL);
    assert_fails(mapshare_msync(address, PAGE, MS_SYNC | 0x40), EINVAL);
    assert_int_equal(mapshare_msync(address, PAGE, MS_SYNC | MS_INVALIDATE), 0);
    assert_int_equal(mapshare_msync(address, 2 * PAGE, MS_ASYNC), 0);
    assert_int_equal(mapshare_munmap(address + PAGE, 1), 0); /* a whole page */
    assert_fails(mapshare_msync(address, 2 * PAGE, MS_SYNC), ENOMEM);
    assert_fails(mapshare_msync(address, 2 * PAGE, MS_ASYNC), ENOMEM);
    assert_int_equal(mapshare_munmap(address, 2 * PAGE), 0);
    assert_int_equal(mapshare_munmap(address, 2 * PAGE), 0); /* nothing there is no error */
    close(fd);
}

/* Without the daemon nobody keeps writers out, and that is said; but a writer is found. */
static void denying_writers_needs_the_daemon(void **state)
{
    struct mapshare *ms = open_sized("deny", PAGE);
    bool on_mount = is_on_mount(ms);
    int reader, writer;

    (void)state;
    assert_int_equal(mapshare_close(ms), 0);
    if (on_mount)
        skip_because("the daemon is here; library-deny.sh tests it");
    reader = open(in_scratch("deny"), O_RDONLY | O_CLOEXEC);
    assert_map_fails(mapshare_mmap(NULL, PAGE, PROT_READ, MAP_SHARED | MAP_DENYWRITE, reader, 0), ENOTSUP);
    writer = open(in_scratch("deny"), O_RDWR | O_CLOEXEC);
    assert_map_fails(mapshare_mmap(NULL, PAGE, PROT_READ, MAP_SHARED | MAP_DENYWRITE, reader, 0), ETXTBSY);
    assert_map_fails(mapshare_mmap(NULL, PAGE, PROT_READ, MAP_SHARED | MAP_DENYWRITE, writer, 0), ETXTBSY);
    close(writer);
    close(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(protections),
        cmocka_unit_test(code_can_be_run),
        cmocka_unit_test(shared_goes_to_the_file_and_private_does_not),
        cmocka_unit_test(fixed_replaces_and_noreplace_does_not),
        cmocka_unit_test(anonymous_and_zero_are_the_same),
        cmocka_unit_test(flags_without_effect_are_taken),
        cmocka_unit_test(noreserve_reserves_nothing),
        cmocka_unit_test(locked_means_locked),
        cmocka_unit_test(too_much_locked_is_refused),
        cmocka_unit_test(growsdown_grows),
        cmocka_unit_test(low_addresses),
        cmocka_unit_test(populated_pages_do_not_fault),
        cmocka_unit_test(nonblock_reads_nothing),
        cmocka_unit_test(errors_of_descriptors),
        cmocka_unit_test(errors_of_ranges),
        cmocka_unit_test(no_address_space_is_told),
        cmocka_unit_test(seals_forbid),
        cmocka_unit_test(the_end_of_the_file),
        cmocka_unit_test(a_mapping_outlives_its_descriptor_and_goes_to_children),
        cmocka_unit_test(errors_of_munmap_and_msync),
        cmocka_unit_test(denying_writers_needs_the_daemon),
    };

    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
