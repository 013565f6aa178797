/* Prints who may do what, and whose a new file is. Runs as root, acts as others. Argument: an empty folder. */
#include "config.h"

#include <grp.h>
#include <sys/fsuid.h>

#include "check.h"

#define MINE 4001
#define OTHER 4002
#define EXTRA 5001 /* a supplementary group of MINE */

/* Runs statements as another user, in a process of its own. */
#define AS(user, ...)                                                                                  \
    do {                                                                                               \
        pid_t pid;                                                                                     \
        int status;                                                                                    \
        fflush(stdout);                                                                                \
        pid = fork();                                                                                  \
        CHECK(pid >= 0);                                                                               \
        if (pid == 0) {                                                                                \
            CHECK(setgroups(user == MINE, (gid_t[]){EXTRA}) == 0 && setresgid(user, user, user) == 0); \
            CHECK(setresuid(user, user, user) == 0);                                                   \
            __VA_ARGS__;                                                                               \
            fflush(stdout);                                                                            \
            _exit(0);                                                                                  \
        }                                                                                              \
        CHECK(waitpid(pid, &status, 0) == pid && status == 0);                                         \
    } while (0)

static void owners_of_new_files(void)
{
    TRY(mkdir("free", 0777));
    TRY(mkdir("setgid", 0777));
    TRY(chown("setgid", MINE, EXTRA));
    TRY(chmod("setgid", 02777));
    AS(MINE, TRY_OPEN(open("free/file", O_CREAT | O_RDWR, 0666)); TRY(mkdir("free/folder", 0777)); TRY(symlink("x", "free/link"));
       TRY(mknod("free/fifo", S_IFIFO | 0666, 0)); TRY(mknod("free/device", S_IFCHR | 0666, 0x103)));
    AS(OTHER, TRY_OPEN(open("setgid/file", O_CREAT | O_RDWR, 02775)); TRY(mkdir("setgid/folder", 0777));
       TRY(symlink("x", "setgid/link")); TRY(mknod("setgid/fifo", S_IFIFO | 0666, 0));
       TRY_OPEN(open("setgid/group-executable", O_CREAT | O_RDWR, 02777)));
    AS(MINE, TRY_OPEN(open("setgid/mine", O_CREAT | O_RDWR, 02775)));
    show("free/file");
    show("free/folder");
    show("free/link");
    show("free/fifo");
    show("setgid/file");
    show("setgid/folder");
    show("setgid/link");
    show("setgid/fifo");
    show("setgid/group-executable");
    show("setgid/mine");
    AS(OTHER, umask(077); TRY_OPEN(open("free/private", O_CREAT | O_RDWR, 0666)); TRY(mkdir("free/private-folder", 0777)));
    show("free/private");
    show("free/private-folder");
}

static void access_by_mode(void)
{
    TRY(mkdir("closed", 0700));
    CHECK(chown("closed", MINE, MINE) == 0);
    AS(MINE, TRY_OPEN(open("closed/file", O_CREAT | O_RDWR, 0600)); TRY_OPEN(open("secret", O_CREAT | O_RDWR, 0600)));
    CHECK(close(open("secret", O_CREAT | O_RDWR, 0600)) == 0 && chown("secret", MINE, EXTRA) == 0);
    AS(OTHER, TRY(access("closed/file", F_OK)); TRY_OPEN(open("closed/file", O_RDONLY)); TRY_OPEN(open("secret", O_RDONLY));
       TRY(truncate("secret", 0)); TRY(chmod("secret", 0666)); TRY(chown("secret", OTHER, OTHER));
       TRY(utimensat(AT_FDCWD, "secret", NULL, 0)); TRY(unlink("closed/file")); TRY(mkdir("closed/x", 0700));
       TRY(setxattr("secret", "user.x", "1", 1, 0)); TRY_OPEN(open("closed", O_RDONLY | O_DIRECTORY)));
    CHECK(chmod("secret", 0640) == 0);
    AS(OTHER, TRY_OPEN(open("secret", O_RDONLY)));
    AS(MINE, TRY(chown("secret", -1, EXTRA)); TRY(chown("secret", -1, OTHER)); TRY(chown("secret", OTHER, -1));
       TRY(chmod("secret", 02750)));
    show("secret");
    CHECK(chown("secret", OTHER, EXTRA) == 0);
    show("secret");
    AS(MINE, TRY_OPEN(open("secret", O_RDONLY)); TRY_OPEN(open("secret", O_RDWR)); TRY_OPEN(open("secret", O_RDONLY | O_NOATIME)));
    CHECK(chmod("secret", 0604) == 0);
    AS(MINE, TRY_OPEN(open("secret", O_RDONLY))); /* the group's class decides, though others may */
    CHECK(chmod("secret", 0006) == 0);
    AS(OTHER, TRY_OPEN(open("secret", O_RDONLY)); TRY(access("secret", R_OK)));
    CHECK(chmod("closed", 0711) == 0);
    AS(OTHER, TRY(access("closed/file", F_OK)); TRY_OPEN(open("closed", O_RDONLY | O_DIRECTORY)));
    CHECK(chmod("closed", 0744) == 0);
    AS(OTHER, TRY(access("closed/file", F_OK)); TRY_OPEN(open("closed", O_RDONLY | O_DIRECTORY)));
    CHECK(chmod("secret", 0755) == 0);
    AS(OTHER, TRY(access("secret", X_OK)));
    AS(MINE, TRY(utimensat(AT_FDCWD, "secret", (struct timespec[]){{1, 0}, {2, 0}}, 0)); TRY(chmod("secret", 0777)));
    AS(MINE, TRY(rename("secret", "free/secret")); TRY(link("secret", "free/secret")));
}

static void sticky(void)
{
    TRY(mkdir("sticky", 0777));
    TRY(chmod("sticky", 01777));
    AS(MINE, TRY_OPEN(open("sticky/file", O_CREAT | O_RDWR, 0666)); TRY(mkdir("sticky/folder", 0777)));
    AS(OTHER, TRY(unlink("sticky/file")); TRY(rmdir("sticky/folder")); TRY(rename("sticky/file", "sticky/x"));
       TRY_OPEN(open("sticky/others", O_CREAT | O_RDWR, 0666)); TRY(rename("sticky/others", "sticky/file"));
       TRY(renameat2(AT_FDCWD, "sticky/others", AT_FDCWD, "sticky/file", RENAME_EXCHANGE)); TRY(unlink("sticky/others")));
    AS(MINE, TRY(rename("sticky/file", "sticky/y")); TRY(unlink("sticky/y")); TRY(rmdir("sticky/folder")));
}

static void put_suid(void)
{
    CHECK(chown("suid", MINE, MINE) == 0 && chmod("suid", 06777) == 0);
}

static void suid_drops(void)
{
    static char buffer[PAGE] __attribute__((aligned(PAGE)));
    int fd;

    CHECK(close(make_file("suid", 2 * PAGE)) == 0);
    put_suid();
    show("suid");
    AS(OTHER, CHECK(pwrite(open("suid", O_WRONLY), "x", 1, 0) == 1));
    show("suid");
    put_suid();
    AS(OTHER, CHECK(pwrite(open("suid", O_WRONLY | O_DIRECT), buffer, PAGE, 0) == PAGE));
    show("suid");
    put_suid();
    AS(OTHER, CHECK(truncate("suid", PAGE) == 0));
    show("suid");
    put_suid();
    AS(OTHER, CHECK(close(open("suid", O_WRONLY | O_TRUNC)) == 0));
    show("suid");
    put_suid();
    AS(OTHER, CHECK(fallocate(open("suid", O_WRONLY), 0, 0, 4 * PAGE) == 0));
    show("suid");
    put_suid();
    AS(MINE, CHECK(pwrite(open("suid", O_WRONLY), "x", 1, 0) == 1));
    show("suid");
    put_suid();
    CHECK(pwrite(fd = open("suid", O_WRONLY), "x", 1, 0) == 1); /* root keeps them */
    close(fd);
    show("suid");
    AS(MINE, TRY(chown("suid", -1, EXTRA)));
    show("suid");
    put_suid();
    TRY(chown("suid", OTHER, -1));
    show("suid");
    CHECK(chown("suid", MINE, MINE) == 0 &&
          chmod("suid", 02767) == 0); /* no group execution: not setgid but a mandatory lock's mark */
    AS(OTHER, CHECK(pwrite(open("suid", O_WRONLY), "x", 1, 0) == 1));
    show("suid");
    put_suid();
    AS(OTHER, fd = open("suid", O_RDWR); strcpy(map_shared(fd, PAGE), "mapped"));
    show("suid");
}

static void capabilities(void)
{
    /* version 2, cap_net_raw permitted and effective */
    static const unsigned char capability[20] = {1, 0, 0, 2, 0, 0x20};
    int fd = make_file("capable", 100);

    TRY(setxattr("capable", "security.capability", capability, sizeof(capability), 0));
    TRY(getxattr("capable", "security.capability", NULL, 0));
    TRY(pwrite(fd, "x", 1, 0));
    TRY(getxattr("capable", "security.capability", NULL, 0));
    TRY(setxattr("capable", "security.capability", capability, sizeof(capability), 0));
    TRY(chown("capable", OTHER, -1));
    TRY(getxattr("capable", "security.capability", NULL, 0));
    close(fd);
}

static void attributes(void)
{
    char list[1000];
    static char big[65537];

    CHECK(close(make_file("attributes", 0)) == 0 && chown("attributes", MINE, MINE) == 0);
    AS(MINE, TRY(setxattr("attributes", "user.one", "1", 1, XATTR_CREATE));
       TRY(setxattr("attributes", "user.one", "2", 1, XATTR_CREATE));
       TRY(setxattr("attributes", "user.two", "2", 1, XATTR_REPLACE)); TRY(setxattr("attributes", "user.empty", "", 0, 0));
       TRY(setxattr("attributes", "trusted.x", "1", 1, 0)); TRY(setxattr("attributes", "nonsense", "1", 1, 0)));
    TRY(setxattr("attributes", "trusted.x", "1", 1, 0));
    TRY(getxattr("attributes", "user.empty", NULL, 0));
    TRY(getxattr("attributes", "user.missing", NULL, 0));
    TRY(listxattr("attributes", list, sizeof(list)) > 0);
    TRY(listxattr("attributes", list, 3));
    TRY(removexattr("attributes", "user.one"));
    TRY(removexattr("attributes", "user.one"));
    AS(OTHER, TRY(setxattr("attributes", "user.one", "1", 1, 0)); TRY(getxattr("attributes", "trusted.x", NULL, 0)));
    TRY(setxattr("attributes", "user.big", big, sizeof(big), 0));
    TRY(mkdir("attributed", 0755));
    TRY(setxattr("attributed", "user.folder", "f", 1, 0));
    TRY(getxattr("attributed", "user.folder", list, sizeof(list)));
    TRY(symlink("attributes", "attributed-link"));
    TRY(lsetxattr("attributed-link", "user.x", "1", 1, 0));
    TRY(lsetxattr("attributed-link", "trusted.x", "1", 1, 0));
    TRY(lgetxattr("attributed-link", "trusted.x", NULL, 0));
    TRY(llistxattr("attributed-link", list, sizeof(list)) > 0);
}

int main(int argc, char **argv)
{
    CHECK(argc == 2);
    CHECK(chdir(argv[1]) == 0);
    CHECK(chmod(".", 0777) == 0);
    umask(0);
    owners_of_new_files();
    access_by_mode();
    sticky();
    suid_drops();
    capabilities();
    attributes();
    return 0;
}
