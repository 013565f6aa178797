/* The private folder lies in a folder that others may own. What is in it is used only if nobody else can have put it there. */
#ifndef STORE_TRUST_H
#define STORE_TRUST_H

#include <sys/types.h>

/* NULL: what is open is of this type, belongs to this process's user, is not writable by others, and, if it is a file, has one name. Else
 * which of these does not hold, for people. */
const char *trust_doubt(int fd, mode_t type);

#endif
