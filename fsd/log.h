/* One line for the administrator: to standard error in the foreground, to the system's log otherwise. Safe from any thread and any
 * process of a mount; never waits: what cannot be taken at once is dropped, counted, and told of when a line gets through again. */
#ifndef LOG_H
#define LOG_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define LOG_SIGNAL SIGURG /* to the keeper: log_mend() */

enum log_level { LOG_FATAL, LOG_WARN, LOG_NOTE, LOG_TRACE };

/* Before the first fork: opens what lines go to, so that nothing is opened later. */
void log_start(bool foreground, enum log_level most);
/* The same in a program that goes on with the descriptors of the one before it. */
void log_adopt(int messages, int system_log, bool to_system, enum log_level most);
/* The two descriptors that log_start opened, or -1: they belong to the table of what all processes of the mount share. */
void log_descriptors(int *messages, int *system_log);
/* From now on all processes of the mount log to the system's log: the terminal is gone. `null`: an open /dev/null. */
void log_to_system(int null);
bool log_is_to_system(void);
/* This process cannot find the system's log by name: where it went away and came back, `keeper` is to connect it again. */
void log_ask(pid_t keeper);
/* The keeper, after a signal: sends the line that a process could not send. */
void log_mend(void);
/* This process has no descriptor of the log any more. */
void log_stop(void);
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same line at most once in ten seconds, for what a failing disk says a thousand times. */
void log_limited(long *last, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* From now on, all processes of the mount: lines up to this level. */
void log_only(enum log_level most);
/* Lines dropped since the mount. */
uint64_t log_dropped(void);

#endif
