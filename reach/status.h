/* What the record tells, for people and programs; and a wish for another holder. */
#ifndef REACH_STATUS_H
#define REACH_STATUS_H

#include "standby.h"

int status_print(const struct standby_options *options, bool json);
int status_switch(const struct standby_options *options, const char *to);

#endif
