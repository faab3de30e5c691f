/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/options/option_text.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

status option_refuse(const char *subject, const char *expected, const char *text)
{
    return status_set(STATUS_USAGE, "%s must be %s, not %s", subject, expected, text);
}

status option_check_range(enum option_range range, double number, const char *text,
                          const char *subject)
{
    switch (range) {
    case RANGE_FROM_0:
        return number >= 0 ? STATUS_OK : option_refuse(subject, "0 or more", text);
    case RANGE_FROM_1:
        return number >= 1 ? STATUS_OK : option_refuse(subject, "1 or more", text);
    case RANGE_ABOVE_0:
        return number > 0 ? STATUS_OK : option_refuse(subject, "greater than 0", text);
    case RANGE_FRACTION:
        return number >= 0 && number < 1
                   ? STATUS_OK
                   : option_refuse(subject, "0 or more and less than 1", text);
    case RANGE_ANY:
        break;
    }
    return STATUS_OK;
}

bool option_read_number(const char *text, double *number, const char **end)
{
    char *behind;
    if (!*text || strchr(" \t\n\r\v\f", *text))
        return false;
    *number = strtod(text, &behind);
    *end = behind;
    return behind != text && isfinite(*number);
}

bool option_read_count(const char *text, uint64_t *count, const char **end)
{
    char *behind;
    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    unsigned long long value = strtoull(text, &behind, 10);
    *count = value;
    *end = behind;
    return errno == 0;
}

const struct option_word *option_word(const struct option_word *words, const char *text)
{
    for (; words && words->word; words++)
        if (strcmp(words->word, text) == 0)
            return words;
    return NULL;
}

const struct option_word *option_word_of(const struct option_word *words, double value)
{
    for (; words && words->word; words++)
        if ((double)words->value == value)
            return words;
    return NULL;
}
