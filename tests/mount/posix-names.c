/* Prints what names and paths at the limits give. Argument: an empty folder. */
#include "config.h"

#include "check.h"

static char name255[256], name256[257], path4095[4096], path4096[4097], target4095[4096];

static void fill_path(char *path, size_t length)
{
    for (size_t i = 0; i < length; i++)
        path[i] = i % 2 ? '/' : '.';
    path[length - 1] = 'f';
    if (path[length - 2] == '.')
        path[length - 2] = '/';
    path[length] = 0;
}

static void long_names(void)
{
    memset(name255, 'n', 255);
    memset(name256, 'n', 256);
    TRY_OPEN(open(name255, O_CREAT | O_RDWR, 0600));
    show(name255);
    TRY_OPEN(open(name256, O_CREAT | O_RDWR, 0600));
    TRY_OPEN(open(name256, O_RDONLY));
    TRY(mkdir(name256, 0700));
    TRY(mknod(name256, S_IFIFO | 0600, 0));
    TRY(symlink("x", name256));
    TRY(link(name255, name256));
    TRY(rename(name255, name256));
    TRY(rename(name256, "short"));
    TRY(unlink(name256));
    TRY(rmdir(name256));
    TRY(access(name256, F_OK));
    TRY(setxattr(name255, "user.x", "1", 1, 0));
    TRY(getxattr(name255, "user.x", NULL, 0));
    name255[254] = 'm';
    TRY(mkdir(name255, 0700));
    TRY(rmdir(name255));
    TRY(symlink("x", name255));
    TRY(rename(name255, "short"));
    TRY(link("short", name255));
    TRY(unlink("short"));
    TRY(unlink(name255));
    name255[254] = 'n';
    TRY(unlink(name255));
}

static void long_paths(void)
{
    fill_path(path4095, 4095);
    fill_path(path4096, 4096);
    TRY_OPEN(open(path4095, O_CREAT | O_RDWR, 0600));
    TRY_OPEN(open(path4096, O_CREAT | O_RDWR, 0600));
    TRY(unlink(path4095));
    TRY(unlink(path4096));
    memset(target4095, 't', 4095);
    TRY(symlink(target4095, "long-link"));
    show("long-link");
    target4095[4094] = 0;
    TRY(symlink(target4095, "longest-link"));
    show("longest-link");
    TRY(symlink(path4096, "too-long-link"));
    TRY(symlink("", "empty-link"));
    TRY(unlink("long-link"));
    TRY(unlink("longest-link"));
}

static void strange_names(void)
{
    static const char *const names[] = {"new\nline", "\xff\xfe", " ", "*", "-rf", "..x", "...", ".hidden", "a\\b", "\x01"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        printf("name %zu: ", i);
        TRY_OPEN(open(names[i], O_CREAT | O_EXCL | O_WRONLY, 0600));
        TRY(access(names[i], F_OK));
        TRY(unlink(names[i]));
    }
    TRY_OPEN(open("", O_CREAT | O_RDWR, 0600));
    TRY(mkdir("", 0700));
    TRY(mkdir(".", 0700));
    TRY(mkdir("..", 0700));
    TRY(rmdir("."));
    TRY(mkdir("d", 0700));
    TRY(mkdir("d/", 0700));
    TRY(mkdir("e/", 0700));
    TRY(rmdir("d/."));
    TRY(rmdir("d/.."));
    TRY(rmdir("e/"));
    TRY(rename("d", "."));
    TRY(rename(".", "x"));
    TRY(rename("d", ".."));
    TRY_OPEN(open("f", O_CREAT | O_RDWR, 0600));
    TRY_OPEN(open("f/", O_RDWR));
    TRY_OPEN(open("f/x", O_RDWR));
    TRY_OPEN(open("g/", O_CREAT | O_RDWR, 0600));
    TRY(mkdir("f", 0700));
    TRY(mkdir("f/x", 0700));
    TRY(unlink("f/"));
    TRY(rmdir("f"));
    TRY(unlink("d"));
    TRY(rmdir("missing"));
    TRY(unlink("missing"));
    TRY(unlink("missing/x"));
    TRY_OPEN(open("f", O_CREAT | O_EXCL, 0600));
    TRY_OPEN(open("d", O_RDWR));
    TRY_OPEN(open("d", O_RDONLY));
    TRY_OPEN(open("d", O_DIRECTORY));
    TRY_OPEN(open("f", O_DIRECTORY));
    TRY_OPEN(open("d", O_CREAT | O_RDWR, 0600));
    TRY(unlink("f"));
    TRY(rmdir("d"));
}

static void symbolic_links(void)
{
    TRY(symlink("loop2", "loop1"));
    TRY(symlink("loop1", "loop2"));
    TRY_OPEN(open("loop1", O_RDONLY));
    TRY_OPEN(open("loop1", O_CREAT | O_WRONLY, 0600));
    TRY_OPEN(open("loop1", O_NOFOLLOW));
    TRY(symlink("target", "dangling"));
    TRY_OPEN(open("dangling", O_RDONLY));
    TRY_OPEN(open("dangling", O_CREAT | O_EXCL | O_WRONLY, 0600));
    TRY_OPEN(open("dangling", O_CREAT | O_WRONLY, 0600));
    show("target");
    TRY(chmod("dangling", 0640));
    show("dangling");
    show("target");
    TRY(lchown("dangling", getuid(), getgid()));
    TRY(symlink("x", "dangling"));
    TRY(unlink("dangling"));
    TRY(unlink("target"));
    TRY(unlink("loop1"));
    TRY(unlink("loop2"));
}

/* A tree deeper than any path: the daemon must name what has no name within PATH_MAX. */
static void deep_tree(void)
{
    char name[201];
    int fd, top = open(".", O_RDONLY | O_DIRECTORY), depth;

    memset(name, 'd', 200);
    name[200] = 0;
    for (depth = 0; depth < 60; depth++)
        if (mkdir(name, 0700) < 0 || chdir(name) < 0)
            break;
    printf("depth %d\n", depth);
    fd = open("bottom", O_CREAT | O_RDWR, 0600);
    CHECK(fd >= 0);
    TRY(write(fd, "deep", 4));
    TRY(fsync(fd));
    TRY(close(fd));
    show("bottom");
    TRY(rename("bottom", "floor"));
    TRY(link("floor", "bottom"));
    show("bottom");
    TRY(unlink("bottom"));
    TRY(unlink("floor"));
    while (depth-- > 0)
        if (chdir("..") < 0 || rmdir(name) < 0)
            break;
    printf("left %d\n", depth + 1);
    TRY(fchdir(top));
    close(top);
}

int main(int argc, char **argv)
{
    CHECK(argc == 2);
    CHECK(chdir(argv[1]) == 0);
    umask(022);
    long_names();
    long_paths();
    strange_names();
    symbolic_links();
    deep_tree();
    return 0;
}
