/* The areas under /dev/shm: who makes them, who may use them, who removes them, and that nobody can slip in another one, or make others
 * wait. On a mount there are none: tests/mount/library-area.sh. */
#include "config.h"

#include <dirent.h>
#include <grp.h>

#include "library.h"

/* The name of one of the file's areas; false: there is none. */
static bool find_kind(const char *file, const char *kind, char path[PATH_MAX])
{
    struct stat status;
    char expected[64];
    bool found = false;
    DIR *folder = opendir("/dev/shm");

    assert_non_null(folder);
    assert_int_equal(stat(in_scratch(file), &status), 0);
    snprintf(expected, sizeof(expected), "-%llx-", (unsigned long long)status.st_ino);
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (strncmp(entry->d_name, "mapshare-area-", 14) == 0 && strstr(entry->d_name, expected) && strstr(entry->d_name, kind)) {
            snprintf(path, PATH_MAX, "/dev/shm/%s", entry->d_name);
            found = true;
        }
    }
    closedir(folder);
    return found;
}

static bool find_area(const char *file, char path[PATH_MAX])
{
    return find_kind(file, ".board", path);
}

/* Another process that sweeps may be removing it at the same moment. */
static bool goes_away(const char *file, const char *kind)
{
    char path[PATH_MAX];
    double start = seconds_now();

    while (find_kind(file, kind, path) && seconds_now() < start + 30)
        usleep(1000);
    return !find_kind(file, kind, path);
}

static void the_last_one_out_removes_it(void **state)
{
    struct mapshare *ms = open_sized("last", PAGE), *other = open_sized("last", PAGE);
    char area[PATH_MAX];
    struct stat status;
    pid_t child;

    (void)state;
    assert_true(find_area("last", area));
    assert_int_equal(stat(area, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0644);
    assert_int_equal(mapshare_lock(ms), 0);
    assert_int_equal(mapshare_unlock(ms), 0);
    assert_true(find_kind("last", ".locks", area));
    assert_int_equal(stat(area, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600); /* for who may write the file */
    assert_int_equal(mapshare_close(other), 0);
    assert_true(find_area("last", area));
    /* A child that inherited it counts, also when its parent closes. */
    child = fork();
    if (child == 0) {
        alarm(30);
        CHILD_CHECK(raise(SIGSTOP) == 0);
        CHILD_CHECK(mapshare_lock(ms) == 0 && mapshare_unlock(ms) == 0);
        CHILD_CHECK(mapshare_close(ms) == 0);
        _exit(0);
    }
    assert_int_equal(waitpid(child, NULL, WUNTRACED), child);
    assert_int_equal(mapshare_close(ms), 0);
    assert_true(find_area("last", area));
    kill(child, SIGCONT);
    assert_child_succeeds(child);
    assert_true(goes_away("last", ".board"));
    assert_true(goes_away("last", ".locks"));
}

static void what_the_dead_leave_is_swept(void **state)
{
    char area[PATH_MAX], byte;
    int ready[2];
    pid_t child;

    (void)state;
    assert_int_equal(pipe(ready), 0);
    child = fork();
    if (child == 0) {
        CHILD_CHECK(open_sized("dead", PAGE));
        CHILD_CHECK(write(ready[1], "r", 1) == 1);
        pause();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_true(find_area("dead", area)); /* from its death on, anybody who closes any file may sweep it */
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    /* Whoever closes another file looks at one in four. */
    for (int i = 0; i < 1000 && find_area("dead", area); i++)
        assert_int_equal(mapshare_close(open_sized("another", PAGE)), 0);
    assert_true(goes_away("dead", ".board"));
    close(ready[0]);
    close(ready[1]);
}

/* What is to be told of a lock is told to nobody any more. */
static void nothing_is_left_of_a_removed_file(void **state)
{
    struct mapshare *ms = open_sized("removed", PAGE);
    char locks[PATH_MAX], board[PATH_MAX];
    pid_t child = fork();

    (void)state;
    if (child == 0) {
        CHILD_CHECK(mapshare_lock(ms) == 0);
        _exit(0);
    }
    assert_child_succeeds(child);
    assert_true(find_kind("removed", ".locks", locks) && find_area("removed", board));
    assert_int_equal(unlink(in_scratch("removed")), 0);
    assert_int_equal(mapshare_close(ms), 0);
    assert_fails(access(locks, F_OK), ENOENT);
    assert_fails(access(board, F_OK), ENOENT);
}

static void opening_and_closing_at_the_same_time(void **state)
{
    enum { PROCESSES = 8, ROUNDS = 300 };
    pid_t children[PROCESSES];
    int fd = open(in_scratch("churn"), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    long count = 0;

    (void)state;
    assert_int_equal(pwrite(fd, &count, sizeof(count), 0), sizeof(count));
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            for (int round = 0; round < ROUNDS; round++) {
                struct mapshare *ms = mapshare_open(in_scratch("churn"), O_RDWR, 0, NULL);
                volatile long *counter;

                CHILD_CHECK(ms);
                counter = mapshare_addr(ms);
                CHILD_CHECK(mapshare_lock(ms) == 0);
                counter[0]++;
                CHILD_CHECK(mapshare_unlock(ms) == 0);
                CHILD_CHECK(mapshare_close(ms) == 0);
            }
            _exit(0);
        }
    }
    for (int i = 0; i < PROCESSES; i++)
        assert_child_succeeds(children[i]);
    assert_int_equal(pread(fd, &count, sizeof(count), 0), sizeof(count));
    assert_int_equal(count, (long)PROCESSES * ROUNDS); /* two areas at once would have lost some */
    close(fd);
    assert_true(goes_away("churn", ".board"));
}

static void need_root(void)
{
    if (geteuid() != 0)
        skip_because("needs root to become somebody else");
}

/* Runs in a child as an ordinary user, a member of group 65534. */
static void as_user(uid_t user, void (*function)(void))
{
    pid_t child = fork();

    if (child == 0) {
        CHILD_CHECK(setgroups(1, (gid_t[]){65534}) == 0 && setgid(user) == 0 && setuid(user) == 0);
        function();
        _exit(0);
    }
    assert_child_succeeds(child);
}

static char squatted[PATH_MAX];

static void make_area_first(void)
{
    int fd = open(squatted, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

    CHILD_CHECK(fd >= 0 && ftruncate(fd, (off_t)PAGE) == 0);
}

static void what_a_stranger_made_is_refused(void **state)
{
    struct mapshare *ms;
    uint64_t seen = 0;

    (void)state;
    need_root();
    ms = open_sized("squatted", PAGE);
    assert_true(find_area("squatted", squatted));
    assert_int_equal(mapshare_close(ms), 0);
    as_user(65534, make_area_first);
    ms = mapshare_open(in_scratch("squatted"), O_RDWR, 0, NULL);
    assert_non_null(ms); /* the bytes can be used */
    assert_fails(mapshare_lock(ms), EPERM);
    assert_fails(mapshare_notify(ms), EPERM);
    assert_fails(mapshare_watch(ms, &seen, NULL), EPERM);
    assert_fails(mapshare_resize(ms, 1), EPERM);
    assert_int_equal(mapshare_resize(ms, 2 * PAGE), 0);
    /* Gone, all works at once. */
    assert_int_equal(unlink(squatted), 0);
    assert_int_equal(mapshare_lock(ms), 0);
    assert_int_equal(mapshare_unlock(ms), 0);
    assert_int_equal(mapshare_close(ms), 0);
}

/* Locks bytes of an area in a child that may only do what a user may, for as long as the child lives. */
static pid_t hold_bytes(const char *path, int flags, short type)
{
    int ready[2];
    char byte;
    pid_t child;

    assert_int_equal(pipe(ready), 0);
    child = fork();
    if (child == 0) {
        struct flock lock = {.l_type = type, .l_whence = SEEK_SET};
        int fd;

        CHILD_CHECK(setgroups(0, NULL) == 0 && setgid(65534) == 0 && setuid(65534) == 0);
        umask(0);
        fd = open(path, flags | O_CLOEXEC, 0666);
        CHILD_CHECK(fd >= 0 && fcntl(fd, F_OFD_SETLK, &lock) == 0);
        CHILD_CHECK(write(ready[1], "r", 1) == 1);
        pause();
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return child;
}

static void end_child(pid_t child)
{
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

/* Who has no right to the file makes its board first and locks all of it: the owner must not wait for that. */
static void a_strangers_locks_are_not_waited_for(void **state)
{
    struct mapshare *ms;
    pid_t stranger;

    (void)state;
    need_root();
    ms = open_sized("strange", PAGE);
    assert_true(find_area("strange", squatted));
    assert_int_equal(mapshare_close(ms), 0);
    stranger = hold_bytes(squatted, O_RDWR | O_CREAT, F_WRLCK);
    ms = mapshare_open(in_scratch("strange"), O_RDWR, 0, NULL); /* would hang */
    assert_non_null(ms);
    assert_fails(mapshare_lock(ms), EPERM);
    assert_int_equal(mapshare_resize(ms, 2 * PAGE), 0);
    assert_int_equal(mapshare_close(ms), 0);
    end_child(stranger);
    assert_int_equal(unlink(squatted), 0);
}

/* Who may only read the file locks what it can of the areas: the owner must not wait for that either. */
static void a_readers_locks_are_not_waited_for(void **state)
{
    struct mapshare *ms, *other;
    char board[PATH_MAX], locks[PATH_MAX];
    pid_t reader;

    (void)state;
    need_root();
    ms = open_sized("readable", PAGE);
    assert_int_equal(mapshare_lock(ms), 0);
    assert_int_equal(mapshare_unlock(ms), 0);
    assert_true(find_area("readable", board) && find_kind("readable", ".locks", locks));
    reader = hold_bytes(board, O_RDONLY, F_RDLCK);
    assert_int_equal(mapshare_lock(ms), 0);
    assert_int_equal(mapshare_unlock(ms), 0);
    other = mapshare_open(in_scratch("readable"), O_RDWR, 0, NULL);
    assert_non_null(other);
    assert_int_equal(mapshare_lock_shared(other), 0);
    assert_int_equal(mapshare_unlock(other), 0);
    assert_int_equal(mapshare_resize(ms, 2 * PAGE), 0);
    assert_fails(mapshare_resize(ms, PAGE), EBUSY); /* as if it had the file mapped */
    assert_int_equal(mapshare_close(other), 0);
    end_child(reader);
    assert_int_equal(mapshare_resize(ms, PAGE), 0);
    assert_int_equal(mapshare_close(ms), 0);
}

/* Whatever a writer of the file puts there, others lose no more than the locks. */
static void nonsense_in_the_locks_does_no_harm(void **state)
{
    struct mapshare *ms = open_sized("nonsense", PAGE), *other = open_sized("nonsense", PAGE);
    unsigned char nonsense[8192];
    char path[PATH_MAX];
    int fd;

    (void)state;
    assert_int_equal(mapshare_lock(ms), 0);
    assert_int_equal(mapshare_unlock(ms), 0);
    assert_true(find_kind("nonsense", ".locks", path));
    fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    srand(1);
    for (int round = 0; round < 500; round++) {
        uint32_t number = (uint32_t)rand() % MAPSHARE_LOCKS;

        for (size_t i = 0; i < sizeof(nonsense); i++)
            nonsense[i] = round % 3 == 0 ? 0xff : (unsigned char)rand();
        assert_int_equal(pwrite(fd, nonsense, sizeof(nonsense), 0), sizeof(nonsense));
        (void)mapshare_lock_at(ms, number, MAPSHARE_LOCK_TRY, NULL);
        (void)mapshare_lock_at(other, number, MAPSHARE_LOCK_TRY | MAPSHARE_LOCK_SHARED, NULL);
        (void)mapshare_consistent_at(ms, number);
        (void)mapshare_unlock_at(ms, number);
        (void)mapshare_unlock_at(other, number);
    }
    memset(nonsense, 0, sizeof(nonsense));
    assert_int_equal(pwrite(fd, nonsense, sizeof(nonsense), 0), sizeof(nonsense));
    close(fd);
    assert_int_equal(mapshare_lock_at(ms, 3, 0, NULL), 0);
    assert_int_equal(mapshare_unlock_at(ms, 3), 0);
    assert_int_equal(mapshare_close(other), 0);
    assert_int_equal(mapshare_close(ms), 0);
}

static void what_is_no_area_is_refused(void **state)
{
    struct mapshare *ms = open_sized("tricks", PAGE);
    char victim[] = "/dev/shm/library-victim-XXXXXX", area[PATH_MAX];
    struct stat status;
    int fd = mkstemp(victim);

    (void)state;
    assert_true(fd >= 0 && fchmod(fd, 0644) == 0);
    assert_true(find_area("tricks", area));
    assert_int_equal(mapshare_close(ms), 0);

    assert_int_equal(symlink(victim, area), 0);
    ms = open_sized("tricks", PAGE);
    assert_fails(mapshare_lock(ms), ELOOP);
    assert_int_equal(mapshare_close(ms), 0);
    assert_int_equal(unlink(area), 0);

    assert_int_equal(link(victim, area), 0);
    ms = open_sized("tricks", PAGE);
    assert_fails(mapshare_lock(ms), EPERM);
    assert_int_equal(mapshare_close(ms), 0);
    assert_int_equal(unlink(area), 0);

    assert_int_equal(mkfifo(area, 0644), 0);
    ms = open_sized("tricks", PAGE);
    assert_int_equal(mapshare_lock(ms), -1);
    assert_int_equal(mapshare_close(ms), 0);
    assert_int_equal(unlink(area), 0);

    assert_int_equal(fstat(fd, &status), 0);
    assert_int_equal(status.st_size, 0); /* nobody wrote into it */
    close(fd);
    assert_int_equal(unlink(victim), 0);
}

static void a_reader_without_rights_finds_none(void)
{
    struct mapshare *ms = mapshare_open(in_scratch("reader"), O_RDONLY, 0, NULL);
    struct timespec none = {0};
    uint64_t seen = 0;

    CHILD_CHECK(ms);
    CHILD_CHECK(mapshare_watch(ms, &seen, &none) == -1 && errno == EACCES);
    CHILD_CHECK(mapshare_lock(ms) == -1 && errno == EBADF);
    CHILD_CHECK(mapshare_close(ms) == 0);
}

static void a_reader_without_rights_watches(void)
{
    struct mapshare *ms = mapshare_open(in_scratch("reader"), O_RDONLY, 0, NULL);
    uint64_t seen = 0;

    CHILD_CHECK(ms);
    CHILD_CHECK(mapshare_watch(ms, &seen, NULL) == 0 && seen == 1);
    CHILD_CHECK(mapshare_notify(ms) == -1 && errno == EACCES);
    CHILD_CHECK(mapshare_lock(ms) == -1 && errno == EBADF);
    CHILD_CHECK(mapshare_close(ms) == 0);
}

static void readers_use_what_writers_made(void **state)
{
    struct mapshare *ms;

    (void)state;
    need_root();
    ms = open_sized("reader", PAGE);
    assert_int_equal(mapshare_close(ms), 0);
    as_user(65534, a_reader_without_rights_finds_none);
    ms = open_sized("reader", PAGE);
    assert_int_equal(mapshare_notify(ms), 0);
    as_user(65534, a_reader_without_rights_watches);
    assert_int_equal(mapshare_close(ms), 0);
}

static void lock_group_file(void)
{
    struct mapshare *ms = mapshare_open(in_scratch("group"), O_RDWR, 0, NULL);

    CHILD_CHECK(ms);
    CHILD_CHECK(mapshare_lock(ms) == 0 && mapshare_unlock(ms) == 0);
    _exit(0); /* not closed: the next one meets the area that we made */
}

/* Two users who may both write the file lock it, whoever comes first. */
static void users_of_a_group_share_it(void **state)
{
    struct mapshare *ms;

    (void)state;
    need_root();
    assert_int_equal(mapshare_close(open_sized("group", PAGE)), 0);
    assert_int_equal(chown(in_scratch("group"), 65533, 65534), 0);
    assert_int_equal(chmod(in_scratch("group"), 0664), 0);
    as_user(65534, lock_group_file); /* by the group */
    as_user(65533, lock_group_file);
    ms = mapshare_open(in_scratch("group"), O_RDWR, 0, NULL);
    assert_non_null(ms);
    assert_int_equal(mapshare_lock(ms), 0);
    assert_int_equal(mapshare_unlock(ms), 0);
    assert_int_equal(mapshare_close(ms), 0);
    as_user(65533, lock_group_file);
    as_user(65534, lock_group_file);
    assert_int_equal(mapshare_close(mapshare_open(in_scratch("group"), O_RDWR, 0, NULL)), 0); /* removes it */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_one_out_removes_it),        cmocka_unit_test(what_the_dead_leave_is_swept),
        cmocka_unit_test(nothing_is_left_of_a_removed_file),  cmocka_unit_test(opening_and_closing_at_the_same_time),
        cmocka_unit_test(what_a_stranger_made_is_refused),    cmocka_unit_test(a_strangers_locks_are_not_waited_for),
        cmocka_unit_test(a_readers_locks_are_not_waited_for), cmocka_unit_test(nonsense_in_the_locks_does_no_harm),
        cmocka_unit_test(what_is_no_area_is_refused),         cmocka_unit_test(readers_use_what_writers_made),
        cmocka_unit_test(users_of_a_group_share_it),
    };

    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
