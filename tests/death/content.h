/* What is in the files of an operation: bytes that tell where they belong. */
#ifndef DEATH_CONTENT_H
#define DEATH_CONTENT_H

#include <sys/types.h>

void fill(unsigned char *bytes, size_t size, unsigned salt);
void put(int file, off_t offset, size_t size, unsigned salt);
void expect(int file, off_t offset, size_t size, unsigned salt);
/* A new file with so many bytes, open; or synced and closed. */
int make(const char *path, size_t size, unsigned salt);
void make_synced(const char *path, size_t size, unsigned salt);
void sync_and_close(int file);

/* In both folders before the mount is made: what no operation touches, or what an operation finds there. */
void make_bystanders(const char *folder);

#endif
