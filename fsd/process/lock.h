/* The store's lock, and what its file tells those who wait for it: see mapshare-abi.h. */
#ifndef PROCESS_LOCK_H
#define PROCESS_LOCK_H

#include "options.h"

/* Takes it. A daemon that lost its mount still finishes writing: the next one waits. One that has its mount will not end by itself,
 * and is told of. `given`: the store, for messages. 0, or -errno after a message. */
int lock_take(int lock, const char *given);
/* Says that this mount has the store from now on. A disk that has no room for that is no reason not to serve what is on it. */
void lock_sign(int lock, const struct options *options);
/* The options of the mount that signed it last, as options_of_text takes them: MAPSHARE_LOCK_SIZE bytes. 0 or -errno. */
int lock_read_options(int lock, char *list);
/* The mount's options are these now. */
void lock_tell_options(int lock, const struct options *options);
/* The holder's number becomes ours. */
void lock_hand_over(int lock);
/* Says how the mount left the store. */
void lock_tell(int lock, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
