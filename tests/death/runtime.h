/* What the parts of the daemon's runtime for deaths share. */
#ifndef DEATH_RUNTIME_H
#define DEATH_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>

/* A point: the worker dies here when its time has come. */
void death_point(const char *what, const void *store, const void *where);
/* Whether the memory outlives the worker. */
bool death_outlives(const void *memory);
void death_mapped(const void *memory, size_t bytes);
/* The calling thread's stack, for the report. */
void death_enter(const void *caller);
void death_leave(void);

#endif
