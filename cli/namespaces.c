#include "config.h"

#include "namespaces.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* The number of a process's mount namespace; 0: it is gone, or not ours to look at. */
static ino_t number_of(const char *process)
{
    struct stat status;
    char path[64];

    snprintf(path, sizeof path, "/proc/%.20s/ns/mnt", process);
    return stat(path, &status) ? 0 : status.st_ino;
}

static bool has_mounted(const char *process, dev_t device)
{
    unsigned major_number, minor_number;
    char path[64], *line = NULL;
    size_t size = 0;
    bool found = false;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%.20s/mountinfo", process);
    file = fopen(path, "re");
    while (file && !found && getline(&line, &size, file) > 0)
        found = sscanf(line, "%*d %*d %u:%u", &major_number, &minor_number) == 2 && makedev(major_number, minor_number) == device;
    if (file)
        fclose(file);
    free(line);
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

bool namespaces_have(dev_t device, pid_t *pid, char name[PROCESS_NAME_SIZE])
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
        found = has_mounted(entry->d_name, device);
        if (found) {
            *pid = atoi(entry->d_name);
            read_name(entry->d_name, name);
        }
    }
    if (folder)
        closedir(folder);
    return found;
}
