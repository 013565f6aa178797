/* Prints what rename, link and unlink do to names, inodes, link counts and open files. Argument: an empty folder. */
#include "config.h"

#include "check.h"

static ino_t inode_of(const char *path)
{
    struct stat status;

    return lstat(path, &status) == 0 ? status.st_ino : 0;
}

static void put(const char *path, const char *text)
{
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0644);

    CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text), "%s", path);
    close(fd);
}

static void tell(const char *path)
{
    char text[100] = "";
    int fd = open(path, O_RDONLY);

    if (fd < 0) {
        printf("%s: %s\n", path, strerrorname_np(errno));
        return;
    }
    printf("%s: %zd bytes \"%s\"\n", path, read(fd, text, sizeof(text) - 1), text);
    close(fd);
}

static void matrix(void)
{
    ino_t inode;

    put("a", "a");
    put("b", "b");
    TRY(mkdir("empty", 0755));
    TRY(mkdir("full", 0755));
    put("full/x", "x");
    inode = inode_of("a");
    TRY(rename("a", "c"));
    TRY(inode == inode_of("c"));
    tell("a");
    TRY(rename("c", "b"));
    tell("b");
    TRY(inode == inode_of("b"));
    TRY(rename("b", "empty"));
    TRY(rename("empty", "b"));
    TRY(rename("full", "empty"));
    tell("empty/x");
    TRY(mkdir("full", 0755));
    put("full/y", "y");
    TRY(rename("empty", "full"));
    TRY(rename("full", "full/inside"));
    TRY(rename("full", "missing/inside"));
    TRY(rename("missing", "b"));
    TRY(link("b", "b2"));
    TRY(rename("b", "b2"));
    show("b");
    show("b2");
    TRY(mkdir("sub", 0755));
    TRY(rename("b2", "sub/b2"));
    TRY(rename("full", "sub/full"));
    show(".");
    show("sub");
    tell("sub/full/y");
    TRY(inode_of("sub/full/..") == inode_of("sub"));
    TRY(renameat2(AT_FDCWD, "b", AT_FDCWD, "sub/b2", RENAME_NOREPLACE));
    TRY(renameat2(AT_FDCWD, "b", AT_FDCWD, "sub/new", RENAME_NOREPLACE));
    TRY(renameat2(AT_FDCWD, "missing", AT_FDCWD, "sub/newer", RENAME_NOREPLACE));
    TRY(renameat2(AT_FDCWD, "sub/new", AT_FDCWD, "missing", RENAME_EXCHANGE));
    TRY(renameat2(AT_FDCWD, "empty", AT_FDCWD, "sub/new", RENAME_EXCHANGE));
    show("empty");
    show("sub/new");
    TRY(inode_of("sub/new/..") == inode_of("sub"));
    show("sub");
    show(".");
    TRY(renameat2(AT_FDCWD, "sub/new", AT_FDCWD, "sub", RENAME_EXCHANGE));
    TRY(renameat2(AT_FDCWD, "sub", AT_FDCWD, "sub/new", RENAME_EXCHANGE));
    TRY(renameat2(AT_FDCWD, "sub", AT_FDCWD, "empty", RENAME_EXCHANGE | RENAME_NOREPLACE));
    TRY(renameat2(AT_FDCWD, "sub", AT_FDCWD, "empty", 1u << 20));
}

static void over_an_open_file(void)
{
    struct stat status;
    char *map, buffer[100] = "";
    int fd;

    put("old", "old content");
    put("new", "new content");
    fd = open("old", O_RDWR);
    map = map_shared(fd, PAGE);
    TRY(rename("new", "old"));
    TRY(pread(fd, buffer, 11, 0));
    puts(buffer);
    memcpy(map, "OLD", 3);
    TRY(msync(map, PAGE, MS_SYNC));
    TRY(fstat(fd, &status));
    TRY(status.st_nlink);
    TRY(pread(fd, buffer, 11, 0));
    puts(buffer);
    tell("old");
    TRY(ftruncate(fd, 5000));
    TRY(fallocate(fd, 0, 0, 9000));
    TRY(fstat(fd, &status));
    TRY(status.st_size);
    TRY(fsync(fd));
    TRY(fchmod(fd, 0600));
    TRY(fsetxattr(fd, "user.x", "1", 1, 0));
    TRY(fgetxattr(fd, "user.x", NULL, 0));
    tell("old");
    munmap(map, PAGE);
    close(fd);
}

static void unlinked_but_open(void)
{
    struct stat status;
    char *map, buffer[8], through_proc[64];
    int fd, folder;

    put("gone", "");
    fd = open("gone", O_RDWR);
    TRY(unlink("gone"));
    TRY(ftruncate(fd, 4 * PAGE));
    map = map_shared(fd, 4 * PAGE);
    memcpy(map + 2 * PAGE, "nameless", 8);
    TRY(msync(map, 4 * PAGE, MS_SYNC));
    put("gone", "another");
    TRY(pread(fd, buffer, 8, 2 * PAGE));
    printf("%.8s\n", buffer);
    TRY(fstat(fd, &status));
    TRY(status.st_nlink);
    TRY(status.st_size);
    tell("gone");
    snprintf(through_proc, sizeof(through_proc), "/proc/self/fd/%d", fd);
    TRY_OPEN(open(through_proc, O_RDWR));
    TRY(fchown(fd, getuid(), getgid()));
    TRY(futimens(fd, NULL));
    munmap(map, 4 * PAGE);
    close(fd);
    TRY(unlink("gone"));
    TRY(mkdir("goner", 0755));
    folder = open("goner", O_RDONLY | O_DIRECTORY);
    TRY(rmdir("goner"));
    TRY_OPEN(openat(folder, "x", O_CREAT | O_RDWR, 0600));
    TRY(mkdirat(folder, "x", 0700));
    TRY(fstat(folder, &status));
    TRY(status.st_nlink);
    close(folder);
}

static void hard_links(void)
{
    char *map, *other;
    int fd, second;

    fd = make_file("one", 2 * PAGE);
    TRY(link("one", "two"));
    TRY(link("two", "sub-less/three"));
    TRY(mkdir("in", 0755));
    TRY(link("two", "in/three"));
    show("one");
    show("in/three");
    TRY(inode_of("one") == inode_of("in/three"));
    second = open("in/three", O_RDWR);
    map = map_shared(fd, 2 * PAGE);
    other = map_shared(second, 2 * PAGE);
    strcpy(map + PAGE, "one inode, one set of pages");
    TRY(strcmp(other + PAGE, map + PAGE));
    TRY(unlink("one"));
    strcpy(other, "still");
    TRY(strcmp(map, "still"));
    show("two");
    TRY(link("in", "folder-link"));
    TRY(link("two", "in/three"));
    TRY(linkat(AT_FDCWD, "missing", AT_FDCWD, "x", 0));
    TRY(symlink("two", "symbolic"));
    TRY(link("symbolic", "symbolic-2"));
    show("symbolic-2");
    TRY(linkat(AT_FDCWD, "symbolic", AT_FDCWD, "followed", AT_SYMLINK_FOLLOW));
    show("followed");
    TRY(rename("two", "in/three"));
    show("two");
    TRY(unlink("two"));
    TRY(unlink("in/three"));
    show("followed");
    munmap(map, 2 * PAGE);
    munmap(other, 2 * PAGE);
    close(fd);
    close(second);
}

static void special_files(void)
{
    TRY(mknod("fifo", S_IFIFO | 0640, 0));
    show("fifo");
    TRY(mknod("socket", S_IFSOCK | 0640, 0));
    show("socket");
    TRY(mknod("regular", S_IFREG | 0640, 0));
    show("regular");
    if (getuid() == 0) {
        TRY(mknod("device", S_IFCHR | 0640, 0x103));
        show("device");
        TRY(mknod("block", S_IFBLK | 0640, 0x70007));
        show("block");
    }
    TRY(mknod("fifo", S_IFIFO | 0640, 0));
    TRY(mknod("folder", S_IFDIR | 0640, 0));
    TRY_OPEN(open("fifo", O_WRONLY | O_NONBLOCK));
    TRY_OPEN(open("fifo", O_RDONLY | O_NONBLOCK));
    TRY_OPEN(open("socket", O_RDONLY));
    TRY(rename("fifo", "pipe"));
    TRY(link("pipe", "pipe2"));
    show("pipe2");
    TRY(truncate("regular", 100));
    show("regular");
    TRY(truncate("pipe", 100));
    TRY(truncate("sub", 100));
    TRY(truncate("regular", -1));
}

int main(int argc, char **argv)
{
    CHECK(argc == 2);
    CHECK(chdir(argv[1]) == 0);
    umask(022);
    matrix();
    over_an_open_file();
    unlinked_but_open();
    hard_links();
    special_files();
    return 0;
}
