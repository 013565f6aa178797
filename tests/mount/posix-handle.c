/* File handles: opened again while the file is in use, after the kernel forgot it, and refused once it is gone.
 * Arguments: the mount; "take FILE", or "use FILE": FILE keeps the handles over a remount. */
#include "config.h"

#include <dirent.h>

#include "check.h"

struct kept {
    struct file_handle head;
    unsigned char bytes[MAX_HANDLE_SZ];
};

static int mount_fd;

static struct kept handle_of(const char *name)
{
    struct kept kept = {.head.handle_bytes = MAX_HANDLE_SZ};
    int mount_id;

    CHECK(name_to_handle_at(mount_fd, name, &kept.head, &mount_id, 0) == 0, "%s", name);
    return kept;
}

static int open_kept(struct kept *kept, int flags)
{
    return open_by_handle_at(mount_fd, &kept->head, flags);
}

/* Makes the kernel forget what nobody uses, so that the handle alone must find the file. */
static void forget(void)
{
    int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);

    CHECK(fd >= 0 && write(fd, "2", 1) == 1);
    close(fd);
}

static void expect_content(struct kept *kept, const char *text)
{
    char buffer[100] = "";
    int fd = open_kept(kept, O_RDONLY);

    CHECK(fd >= 0);
    CHECK(read(fd, buffer, sizeof(buffer)) == (ssize_t)strlen(text) && strcmp(buffer, text) == 0, "read \"%s\"", buffer);
    close(fd);
}

static void put(const char *name, const char *text)
{
    int fd = openat(mount_fd, name, O_CREAT | O_TRUNC | O_WRONLY, 0600);

    CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

static void take(const char *file)
{
    struct kept kept[2];
    FILE *out = fopen(file, "w");
    int fd;

    CHECK(mkdirat(mount_fd, "folder", 0755) == 0 && mkdirat(mount_fd, "folder/inside", 0755) == 0);
    put("folder/inside/file", "by handle");
    kept[0] = handle_of("folder/inside/file");
    kept[1] = handle_of("folder/inside");
    expect_content(&kept[0], "by handle");
    forget();
    expect_content(&kept[0], "by handle");
    CHECK(renameat(mount_fd, "folder/inside", mount_fd, "elsewhere") == 0);
    CHECK(renameat(mount_fd, "elsewhere/file", mount_fd, "file") == 0);
    forget();
    expect_content(&kept[0], "by handle");
    fd = open_kept(&kept[1], O_RDONLY | O_DIRECTORY);
    CHECK(fd >= 0);
    CHECK(faccessat(fd, "../folder", F_OK, 0) == 0, "a folder by handle has no parent");
    close(fd);
    put("gone", "gone");
    {
        struct kept gone = handle_of("gone");

        CHECK(unlinkat(mount_fd, "gone", 0) == 0);
        forget();
        for (int i = 0; i < 50; i++) {
            char name[20];

            snprintf(name, sizeof(name), "new-%d", i); /* may take the inode's number; must not be taken for it */
            put(name, "another");
        }
        fd = open_kept(&gone, O_RDONLY);
        CHECK(fd == -1 && errno == ESTALE, "a deleted file opens by its handle");
    }
    CHECK(fwrite(kept, sizeof(kept), 1, out) == 1);
    fclose(out);
}

static void use(const char *file)
{
    struct kept kept[2];
    FILE *in = fopen(file, "r");
    int fd;

    CHECK(in != NULL && fread(kept, sizeof(kept), 1, in) == 1);
    fclose(in);
    expect_content(&kept[0], "by handle");
    fd = open_kept(&kept[1], O_RDONLY | O_DIRECTORY);
    CHECK(fd >= 0);
    close(fd);
}

int main(int argc, char **argv)
{
    CHECK(argc == 4);
    mount_fd = open(argv[1], O_RDONLY | O_DIRECTORY);
    CHECK(mount_fd >= 0);
    if (strcmp(argv[2], "take") == 0)
        take(argv[3]);
    else
        use(argv[3]);
    return 0;
}
