/* Printing for people and for programs. */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

/* "2026-03-01 12:00:00.123456789 +0100", local time. */
#define OUTPUT_TIME_SIZE 64
const char *output_time(char text[OUTPUT_TIME_SIZE], struct timespec time);

/* "3.4 s", "12 min", "5 h", "3 d": how long ago it was. */
#define OUTPUT_AGE_SIZE 16
const char *output_age(char text[OUTPUT_AGE_SIZE], struct timespec time);

/* "12.5 MiB" */
#define OUTPUT_SIZE_SIZE 16
const char *output_size(char text[OUTPUT_SIZE_SIZE], uint64_t bytes);

/* "180 us", "3.4 ms", "12 s" */
#define OUTPUT_DURATION_SIZE 16
const char *output_duration(char text[OUTPUT_DURATION_SIZE], uint64_t nanoseconds);

/* All of it, whatever signals come. 0 or -errno. */
int output_write(int fd, const void *bytes, size_t size);

/* A file name in JSON, which is UTF-8: other bytes become U+FFFD. */
struct json_object *json_name(const char *name);

/* "SECONDS.NANOSECONDS" as a string: a number would lose digits. */
struct json_object *json_time(struct timespec time);

/* An array of objects in an object, printed as they come: it may be large. Begins with {"KEY": "NAME", "LIST": [. Nothing is printed
 * before the first element or the end, so that an early failure prints nothing. */
struct json_list {
    const char *key, *name, *list;
    bool is_begun, is_continued;
};

void json_list_add(struct json_list *list, struct json_object *element);
/* Ends the array; the members of `rest` follow it. */
void json_list_end(struct json_list *list, struct json_object *rest);

/* The object on lines of its own, freed. */
void json_write(FILE *out, struct json_object *object);
void json_print(struct json_object *object);
/* On one line, and frees it. */
void json_print_line(struct json_object *object);

#endif
