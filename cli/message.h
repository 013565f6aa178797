/* What the tool says when something is wrong: always the file or option, and what to do. */
#ifndef CLI_MESSAGE_H
#define CLI_MESSAGE_H

/* Prints "mapshare: TEXT" and a newline to standard error. */
void message(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* "mapshare: NAME: what ERROR means; what to do". `error` is a negative errno. */
void message_error(const char *name, int error);

/* The name in a form that is safe to print: bytes that a terminal would act on or cannot show become \ooo. Valid until the fourth
 * call after this one. */
const char *quoted(const char *name);

#endif
