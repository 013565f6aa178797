/* Recovery in a process of its own: should it crash over a journal that somebody made, the journal stays and the caller lives. */
#ifndef JOURNAL_APART_H
#define JOURNAL_APART_H

#include "journal/recover.h"

/* Runs it in a process that gives up what it does not need, and returns what it returned. -EFAULT: it crashed, which was told. What it changes in memory is
 * lost. No other thread may run. */
int run_apart(int (*run)(void *context), void *context, recover_tell tell);

/* As journal_recover, `tell` being called in that process. */
int recover_apart(int store_folder, bool give_up, recover_tell tell, struct recover_report *report);

#endif
