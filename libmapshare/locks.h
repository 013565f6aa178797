/* The locks of a file, as this process uses them.
 *
 * Who holds one is said in memory that all processes share (struct mapshare_abi_lock), in words that the holders themselves change, so that
 * an uncontended lock takes no system call. Nothing there is a pointer, and nothing is believed that could do harm: who may write the file
 * can disturb the locks of those who use it, but no more.
 *
 * Whether a holder lives, the kernel says, and so the same to processes of different containers: each process has a place, a number below
 * MAPSHARE_ABI_PROCESSES, by a record lock (fcntl(2)) on the byte of that number in the file that the memory is of. It ends with the
 * process, and a child made by fork does not have it. Only who may write the file can open that file. A process opens it once, since
 * closing any descriptor of it would end the record lock: all opens of the file in the process share one struct mapshare_locks.
 *
 * Word `owner`: 0, or place, a random number of that process, the kernel's number of the thread, and two bits that say who waits.
 * Exclusive: owner 0 → own, then wait until nobody has a share. Shared: set the process's bit, then look whether there is an owner; if so,
 * take it back and wait. Either who comes first is seen by the other. Who waits looks again after PATIENCE at the latest, and at whether
 * the holder lives: no wake-up that was lost with a process is waited for. A dead one's lock is taken over, and `inconsistent` says so
 * until somebody has said that all is in order.
 *
 * Whoever runs may take a free lock before those who sleep for it are awake, which is fast, but not fair. So a sleeper that has waited for
 * PATIENCE sets `starving`, and who comes then sleeps, too, until the lock was taken once.
 */
#ifndef LIBMAPSHARE_LOCKS_H
#define LIBMAPSHARE_LOCKS_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "internal.h"

#define MAPSHARE_LOCK_OF_SIZE MAPSHARE_LOCKS /* the number of the lock that serializes resizes */

/* The file's; opened at first use, and then kept by `ms`. 0 or -errno. */
int mapshare_locks_get(struct mapshare *ms, struct mapshare_locks **locks);
void mapshare_locks_put(struct mapshare_locks *locks);

/* Exclusive unless shared. deadline: of CLOCK_MONOTONIC, NULL: for ever. 0, 1: and an owner died, -EBUSY (try), -ETIMEDOUT, -EDEADLK. */
int mapshare_locks_take(struct mapshare_locks *locks, uint32_t number, bool shared, bool try, const struct timespec *deadline);
/* What the calling thread has alone, else a share of the process's. -EPERM. */
int mapshare_locks_give(struct mapshare_locks *locks, uint32_t number);
/* -EPERM: the calling thread does not have it alone; -EINVAL: it is in order. */
int mapshare_locks_repair(struct mapshare_locks *locks, uint32_t number);
/* Whether the calling thread has one of them alone; or the process, whose last open of the file this is, a share. */
bool mapshare_locks_in_use(struct mapshare_locks *locks);

#endif
