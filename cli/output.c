#include "config.h"

#include "output.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REPLACEMENT "\xEF\xBF\xBD"

int output_write(int fd, const void *bytes, size_t size)
{
    const char *at = bytes;

    while (size) {
        ssize_t n = write(fd, at, size);

        if (n < 0 && errno != EINTR)
            return -errno;
        at += n > 0 ? n : 0;
        size -= n > 0 ? (size_t)n : 0;
    }
    return 0;
}

const char *output_time(char text[OUTPUT_TIME_SIZE], struct timespec time)
{
    struct tm parts;
    char date[32], zone[8];

    if (!localtime_r(&time.tv_sec, &parts)) {
        snprintf(text, OUTPUT_TIME_SIZE, "%lld.%09ld", (long long)time.tv_sec, time.tv_nsec);
        return text;
    }
    strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S", &parts);
    strftime(zone, sizeof zone, "%z", &parts);
    snprintf(text, OUTPUT_TIME_SIZE, "%s.%09ld %s", date, time.tv_nsec, zone);
    return text;
}

const char *output_age(char text[OUTPUT_AGE_SIZE], struct timespec time)
{
    struct timespec now;
    double age;

    clock_gettime(CLOCK_REALTIME, &now);
    age = (double)(now.tv_sec - time.tv_sec) + (double)(now.tv_nsec - time.tv_nsec) / 1e9;
    if (age < 60)
        snprintf(text, OUTPUT_AGE_SIZE, "%.1f s", age > 0 ? age : 0);
    else if (age < 100 * 60)
        snprintf(text, OUTPUT_AGE_SIZE, "%.0f min", age / 60);
    else if (age < 48 * 3600)
        snprintf(text, OUTPUT_AGE_SIZE, "%.0f h", age / 3600);
    else
        snprintf(text, OUTPUT_AGE_SIZE, "%.0f d", age / 86400);
    return text;
}

const char *output_size(char text[OUTPUT_SIZE_SIZE], uint64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = (double)bytes;
    size_t unit = 0;

    while (value >= 1024 && unit + 1 < sizeof units / sizeof units[0]) {
        value /= 1024;
        unit++;
    }
    snprintf(text, OUTPUT_SIZE_SIZE, "%.*f %s", unit && value < 100 ? 1 : 0, value, units[unit]);
    return text;
}

const char *output_duration(char text[OUTPUT_DURATION_SIZE], uint64_t nanoseconds)
{
    static const char *const units[] = {"us", "ms", "s"};
    double value = (double)nanoseconds / 1000;
    size_t unit = 0;

    while (value >= 1000 && unit + 1 < sizeof units / sizeof units[0]) {
        value /= 1000;
        unit++;
    }
    snprintf(text, OUTPUT_DURATION_SIZE, "%.*f %s", value < 10 ? 1 : 0, value, units[unit]);
    return text;
}

/* Bytes of the valid UTF-8 sequence at `text`, 0 where there is none. Overlong forms and surrogates are not valid. */
static size_t utf8_length(const unsigned char *text)
{
    size_t length = text[0] < 0x80 ? 1 : text[0] < 0xC2 ? 0 : text[0] < 0xE0 ? 2 : text[0] < 0xF0 ? 3 : text[0] < 0xF5 ? 4 : 0;

    for (size_t i = 1; i < length; i++)
        if ((text[i] & 0xC0) != 0x80)
            return 0;
    if ((text[0] == 0xE0 && text[1] < 0xA0) || (text[0] == 0xED && text[1] > 0x9F) || (text[0] == 0xF0 && text[1] < 0x90) ||
        (text[0] == 0xF4 && text[1] > 0x8F))
        return 0;
    return length;
}

struct json_object *json_name(const char *name)
{
    char *clean = malloc(strlen(name) * strlen(REPLACEMENT) + 1);
    char *out = clean;
    struct json_object *result;

    if (!clean)
        return NULL;
    while (*name) {
        size_t length = utf8_length((const unsigned char *)name);

        if (length) {
            memcpy(out, name, length);
            out += length;
            name += length;
        } else {
            memcpy(out, REPLACEMENT, strlen(REPLACEMENT));
            out += strlen(REPLACEMENT);
            name++;
        }
    }
    *out = '\0';
    result = json_object_new_string(clean);
    free(clean);
    return result;
}

struct json_object *json_time(struct timespec time)
{
    char text[OUTPUT_TIME_SIZE];

    snprintf(text, sizeof text, "%lld.%09ld", (long long)time.tv_sec, time.tv_nsec);
    return json_object_new_string(text);
}

static void print_inline(struct json_object *object)
{
    fputs(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE), stdout);
}

static void list_begin(struct json_list *list)
{
    struct json_object *name = json_name(list->name);

    printf("{\n  \"%s\": ", list->key);
    print_inline(name);
    printf(",\n  \"%s\": [", list->list);
    json_object_put(name);
    list->is_begun = true;
}

void json_list_add(struct json_list *list, struct json_object *element)
{
    if (!list->is_begun)
        list_begin(list);
    fputs(list->is_continued ? ",\n    " : "\n    ", stdout);
    print_inline(element);
    json_object_put(element);
    list->is_continued = true;
}

void json_list_end(struct json_list *list, struct json_object *rest)
{
    if (!list->is_begun)
        list_begin(list);
    fputs("\n  ]", stdout);
    json_object_object_foreach(rest, key, value)
    {
        printf(",\n  \"%s\": ", key);
        print_inline(value);
    }
    puts("\n}");
    json_object_put(rest);
}

void json_write(FILE *out, struct json_object *object)
{
    fprintf(
        out, "%s\n",
        json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(object);
}

void json_print(struct json_object *object)
{
    json_write(stdout, object);
}

void json_print_line(struct json_object *object)
{
    puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(object);
}
