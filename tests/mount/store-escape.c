/* Holds a folder of the mount open, waits for a byte, then tries to reach "secret" in it in every way.
 * Arguments: a folder of the mount. Prints what each try gave. */
#include "config.h"

#include "check.h"

int main(int argc, char **argv)
{
    char buffer[100] = "";
    int folder, fd;

    CHECK(argc == 2);
    folder = open(argv[1], O_RDONLY | O_DIRECTORY);
    CHECK(folder >= 0);
    CHECK(write(1, "ready\n", 6) == 6 && read(0, buffer, 1) == 1);
    fd = openat(folder, "secret", O_RDWR | O_NOFOLLOW);
    if (fd >= 0 && read(fd, buffer, sizeof(buffer) - 1) > 0)
        printf("read %s\n", buffer);
    /* Any of them may fail or succeed; what counts is that nothing outside changes. */
    printf("results: %d %d %d %d %d %d %d\n", openat(folder, "made", O_CREAT | O_WRONLY, 0666),
           mkdirat(folder, "made-folder", 0777), unlinkat(folder, "victim", 0), renameat(folder, "victim2", folder, "renamed"),
           symlinkat("x", folder, "made-link"), linkat(folder, "secret", folder, "linked", 0), fchmodat(folder, "secret", 0777, 0));
    return 0;
}
