/* The program is replaced by what is on disk now, while the mount is used: the keeper executes that in its place, with all descriptors and the
 * arena. Before anything is changed, a process of its own asks the new program whether it can take them. The stand-by is the old program's until
 * the new one serves, and goes on with the mount if that fails.
 */
#ifndef PROCESS_UPGRADE_H
#define PROCESS_UPGRADE_H

#include "process/keeping.h"

/* SIGHUP: starts the process that asks. */
void upgrade_begin(struct keeper *keeper);
/* It ended. Returns the program's exit status, where the mount has ended meanwhile; -1: the new program could not be executed. */
int upgrade_go_on(struct keeper *keeper, int answer);
/* Told, counted. */
void upgrade_failed(const struct keeper *keeper, const char *why);

/* In the new program: the one before stands by until a worker of ours serves. */
void upgrade_on_trial(struct keeper *keeper);
void upgrade_give_up(struct keeper *keeper, const char *how) __attribute__((noreturn));

/* Now and then: whether a time is over, or the trial is. */
void upgrade_look(struct keeper *keeper);

#endif
