/* What was opened is known again by number and birth, or by its handle where there are no births, wherever it is called now. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/identity.h"

static char path[4096];
static int folder;

static int make_folder(void **state)
{
    const char *parent = getenv("TMPDIR");
    (void)state;
    snprintf(path, sizeof(path), "%s/mapshare-unit-XXXXXX", parent == NULL ? "/tmp" : parent);
    if (mkdtemp(path) == NULL)
        return -1;
    folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return folder < 0;
}

static int remove_folder(void **state)
{
    char command[sizeof(path) + 16];
    (void)state;
    close(folder);
    snprintf(command, sizeof(command), "rm -rf %s", path);
    return system(command);
}

static void make(const char *name)
{
    int fd = openat(folder, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
}

static struct identity take(const char *name, bool handles)
{
    struct identity identity;
    assert_int_equal(identity_take(folder, name, handles, &identity), 0);
    return identity;
}

static int check(const char *name, const struct identity *identity)
{
    int fd = openat(folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    assert_true(fd >= 0);
    int result = identity_check(fd, identity);
    close(fd);
    return result;
}

static void a_name_does_not_matter(void **state)
{
    (void)state;
    make("a");
    struct identity identity = take("a", true);
    assert_true(S_ISREG(identity.type));
    assert_int_equal(renameat(folder, "a", folder, "b"), 0);
    make("a");
    assert_int_equal(check("b", &identity), 0);
    assert_int_equal(check("a", &identity), -ESTALE);
}

static void the_folder_itself_has_one(void **state)
{
    (void)state;
    struct identity identity = take("", true);
    assert_true(S_ISDIR(identity.type));
    assert_int_equal(check(".", &identity), 0);
    make("a");
    assert_int_equal(check("a", &identity), -ESTALE);
}

static void a_link_is_not_what_it_leads_to(void **state)
{
    (void)state;
    make("a");
    assert_int_equal(symlinkat("a", folder, "link"), 0);
    struct identity identity = take("link", true), file = take("a", true);
    assert_true(S_ISLNK(identity.type));
    assert_int_equal(check("link", &identity), 0);
    assert_int_equal(check("link", &file), -ESTALE);
}

static void nothing_there_is_an_error(void **state)
{
    struct identity identity;
    (void)state;
    assert_int_equal(identity_take(folder, "a", true, &identity), -ENOENT);
}

/* Each of what makes an identity, wrong alone. */
static void all_must_agree(void **state)
{
    (void)state;
    make("a");
    const struct identity right = take("a", true);
    struct identity wrong = right;
    wrong.device++;
    assert_int_equal(check("a", &wrong), -ESTALE);
    wrong = right;
    wrong.inode++;
    assert_int_equal(check("a", &wrong), -ESTALE);
    wrong = right;
    wrong.type = S_IFDIR;
    assert_int_equal(check("a", &wrong), -ESTALE);
    if (right.birth.tv_sec == 0)
        skip(); /* the file system has no times of birth */
    wrong = right;
    wrong.birth.tv_nsec ^= 1;
    assert_int_equal(check("a", &wrong), -ESTALE);
}

/* As on a file system without times of birth, where the number was used again. */
static void without_birth_the_handle_tells(void **state)
{
    (void)state;
    make("a");
    struct identity identity = take("a", true);
    if (identity.handle_length == 0)
        skip(); /* no handles here */
    identity.birth = (struct timespec){0};
    assert_int_equal(check("a", &identity), 0);
    identity.handle[identity.handle_length - 1] ^= 1;
    assert_int_equal(check("a", &identity), -ESTALE);
    identity.handle_length = 0;
    assert_int_equal(check("a", &identity), 0);
}

static void a_handle_opens_it_while_it_is_there(void **state)
{
    (void)state;
    if (!identity_handles(folder))
        skip(); /* not permitted, or none here */
    make("a");
    struct identity identity = take("a", true);
    assert_int_equal(renameat(folder, "a", folder, "b"), 0);
    int fd = identity_open(folder, &identity, O_PATH);
    assert_true(fd >= 0);
    assert_int_equal(identity_check(fd, &identity), 0);
    close(fd);
    struct identity other = identity;
    other.birth.tv_sec++;
    assert_int_equal(identity_open(folder, &other, O_PATH), -ESTALE);
    other = identity;
    other.handle_length = 0;
    assert_int_equal(identity_open(folder, &other, O_PATH), -ENOTSUP);
    assert_int_equal(unlinkat(folder, "b", 0), 0);
    assert_int_equal(identity_open(folder, &identity, O_PATH), -ESTALE);
}

static void handles_are_not_taken_where_they_are_not_wanted(void **state)
{
    (void)state;
    make("a");
    assert_int_equal(take("a", false).handle_length, 0);
}

/* In a mount namespace of its own. Exit status 77: there is no overlayfs here; else what identity_handles says of one, with every
 * option that makes its handles look good. */
static int ask_overlay(void)
{
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("none", path, "tmpfs", 0, NULL) < 0 || chdir(path) < 0 || mkdir("lower", 0700) < 0 || mkdir("upper", 0700) < 0 ||
        mkdir("work", 0700) < 0 || mkdir("all", 0700) < 0 ||
        mount("none", "all", "overlay", 0, "lowerdir=lower,upperdir=upper,workdir=work,index=on,nfs_export=on") < 0)
        return 77;
    int fd = open("all", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? 77 : identity_handles(fd);
}

static void handles_of_overlayfs_are_not_trusted(void **state)
{
    int status;
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(ask_overlay());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77)
        skip();
    assert_int_equal(WEXITSTATUS(status), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_name_does_not_matter),
        TEST(the_folder_itself_has_one),
        TEST(a_link_is_not_what_it_leads_to),
        TEST(nothing_there_is_an_error),
        TEST(all_must_agree),
        TEST(without_birth_the_handle_tells),
        TEST(a_handle_opens_it_while_it_is_there),
        TEST(handles_are_not_taken_where_they_are_not_wanted),
        TEST(handles_of_overlayfs_are_not_trusted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
