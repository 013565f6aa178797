/* What is left of a mount all of whose processes died at once: its arena, where that has a name (option arena). The next mount of the store commits what default
 * files had received, before it recovers. */
#ifndef PROCESS_REMAINS_H
#define PROCESS_REMAINS_H

#include "process/daemon.h"

#define SPILL_NAME "spill" /* of the spill file in the private folder, where it has one */

/* The folder of options->arena, made where it is missing, and its path resolved: nobody but us may have made what is in it. 0, or -errno after a message. */
int remains_settle(struct options *options);
/* The folder's descriptor, for a new arena; -1: it shall have no name. */
int remains_open_folder(const struct options *options);
/* Whose the new arena is. */
void remains_sign(struct daemon *daemon);
/* Gives it its name, once there is a mount. */
void remains_name(const struct daemon *daemon);
/* Takes up what is there of the store's last mount, and removes it. Whatever is wrong with it, the mount goes on: the journal has all that was committed. */
void remains_take_up(struct daemon *daemon);
/* The mount has ended in order: nothing is left. */
void remains_discard(const struct daemon *daemon);

#endif
