#include "config.h"

#include <sys/stat.h>
#include <unistd.h>

#include "store/trust.h"

const char *trust_doubt(int fd, mode_t type)
{
    struct stat status;
    if (fstat(fd, &status) < 0)
        return "cannot be looked at";
    if ((status.st_mode & S_IFMT) != type)
        return type == S_IFDIR ? "is not a folder" : "is not a regular file";
    if (status.st_uid != geteuid())
        return "belongs to another user";
    if (status.st_mode & (S_IWGRP | S_IWOTH))
        return "may be written by others";
    if (type == S_IFREG && status.st_nlink != 1)
        return "has another name, too";
    return NULL;
}
