/* One line on standard error, for the administrator and the journal of services. */
#ifndef REACH_SAY_H
#define REACH_SAY_H

void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
