#include "config.h"

#include "namespaces.h"

#include <ctype.h>
#include <dirent.h>
#include <libmount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The number of a process's mount namespace; 0: it is gone, or not ours to look at. */
static ino_t number_of(const char *process)
{
    struct stat status;
    char path[64];

    snprintf(path, sizeof path, "/proc/%.20s/ns/mnt", process);
    return stat(path, &status) ? 0 : status.st_ino;
}

/* A device's number alone may be another mount's by now. */
static bool has_mounted(const char *process, const struct mount_entry *mount)
{
    struct libmnt_iter *iterator = mnt_new_iter(MNT_ITER_FORWARD);
    struct libmnt_table *table;
    struct libmnt_fs *entry;
    char path[64];
    bool found = false;

    snprintf(path, sizeof path, "/proc/%.20s/mountinfo", process);
    table = mnt_new_table_from_file(path);
    while (iterator && table && !found && !mnt_table_next_fs(table, iterator, &entry)) {
        const char *source = mnt_fs_get_source(entry);

        found = mnt_fs_get_devno(entry) == mount->device && source && !strcmp(source, mount->source);
    }
    mnt_unref_table(table);
    mnt_free_iter(iterator);
    return found;
}

static void read_name(const char *process, char name[PROCESS_NAME_SIZE])
{
    char path[64];
    FILE *file;

    snprintf(path, sizeof path, "/proc/%.20s/comm", process);
    file = fopen(path, "re");
    if (!file || !fgets(name, PROCESS_NAME_SIZE, file))
        strcpy(name, "?");
    name[strcspn(name, "\n")] = '\0';
    if (file)
        fclose(file);
}

bool namespaces_have(const struct mount_entry *mount, pid_t *pid, char name[PROCESS_NAME_SIZE])
{
    ino_t ours = number_of("self"), last = ours;
    DIR *folder = opendir("/proc");
    bool found = false;
    struct dirent *entry;

    while (folder && !found && (entry = readdir(folder))) {
        ino_t number = isdigit((unsigned char)entry->d_name[0]) ? number_of(entry->d_name) : 0;

        if (!number || number == ours || number == last)
            continue;
        last = number; /* most often its other processes come next */
        found = has_mounted(entry->d_name, mount);
        if (found) {
            *pid = atoi(entry->d_name);
            read_name(entry->d_name, name);
        }
    }
    if (folder)
        closedir(folder);
    return found;
}
