/* Any words on the command line: refused with a message, or options that come back the same from their text. */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "options.h"

#define WORDS_MAX 16
#define BYTES_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

/* Words end with a zero byte. */
int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    static char bytes[BYTES_MAX + 1], text[OPTIONS_TEXT_MAX], again[OPTIONS_TEXT_MAX];
    char program[] = "mapsharefs", *words[WORDS_MAX + 2] = {program};
    struct options options, same;
    int count = 1;

    if (size > BYTES_MAX)
        return 0;
    log_stop();
    memcpy(bytes, input, size);
    bytes[size] = 0;
    for (size_t at = 0; at < size && count <= WORDS_MAX; at += strlen(bytes + at) + 1)
        words[count++] = bytes + at;
    if (options_parse(&options, count, words))
        return 0;
    if (!options.tuning.cache_size) /* these are chosen before anybody is told */
        options.tuning.cache_size = 64 << 20;
    if (!options.cache_max)
        options.cache_max = options.tuning.cache_size;
    if (!options.tuning.journal_max)
        options.tuning.journal_max = 64 << 20;
    if (!options.journal_size)
        options.journal_size = 64 << 20;
    options_to_text(&options, text, sizeof text);
    if (options_of_text(&same, text))
        abort();
    options_to_text(&same, again, sizeof again);
    if (strcmp(text, again))
        abort();
    return 0;
}
