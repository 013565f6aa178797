/* Recovery in a process of its own: should it crash over a journal that somebody made, the journal stays and the caller lives. */
#ifndef JOURNAL_APART_H
#define JOURNAL_APART_H

#include "journal/recover.h"

/* As journal_recover, `tell` being called in that process. -EFAULT: it crashed, which was told. No other thread may run. */
int recover_apart(int store_folder, bool give_up, recover_tell tell, struct recover_report *report);

#endif
