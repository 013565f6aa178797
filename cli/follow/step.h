/* One batch after the other, on a connection. Functions return 0 or -errno. */
#ifndef CLI_FOLLOW_STEP_H
#define CLI_FOLLOW_STEP_H

#include "follow/to.h"

/* One batch, if there is something to be told. *idle: there was nothing. */
int follow_step(struct follow *follow, bool *idle);
/* How far behind the copy is now. */
int follow_look(struct follow *follow);
/* Until there may be something. */
int follow_wait(struct follow *follow);

#endif
