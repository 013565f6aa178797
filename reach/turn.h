/* The life of a machine that stands by and serves, turn after turn. */
#ifndef REACH_TURN_H
#define REACH_TURN_H

#include "standby.h"

/* The program's whole life as stand-by and holder. Returns how it ends (STANDBY_DONE ...). */
int turn_run(const struct standby_options *options);

#endif
