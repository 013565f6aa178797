/* Files without a name: they go with the last process that has them open. */
#ifndef STORE_UNNAMED_H
#define STORE_UNNAMED_H

/* In the folder, for reading and writing; where the file system has no such files, one whose name is taken away at once. 0 or -errno. */
int unnamed_open(int folder, const char *name, int *fd);

#endif
