/* What was committed on the source since the last batch. Functions return 0 or -errno. */
#ifndef CLI_FOLLOW_NEWS_H
#define CLI_FOLLOW_NEWS_H

#include "follow/to.h"

int follow_take_feed(struct follow *follow);
int follow_take_feed_up_to(struct follow *follow, uint64_t sequence);
/* Between pieces of what is sent: the far side hears of us, and the feed does not run over. */
int follow_between(void *follow);

#endif
