/* SPDX-License-Identifier: BSD-3-Clause */
#include "option_value.h"
#include "app/options/option_text.h"

#include "app/options/number_text.h"

#include "base/memory.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static status parse_flag(struct options *options, const struct option_entry *entry,
                         const char *text, const char *subject)
{
    bool on = strcmp(text, "true") == 0;
    if (!on && strcmp(text, "false") != 0)
        return option_refuse(subject, "true or false", text);
    *(bool *)option_field(options, entry) = on;
    return STATUS_OK;
}

static const char *format_flag(const struct options *options, const struct option_entry *entry,
                               char *buffer)
{
    (void)buffer;
    return *(bool *)option_field(options, entry) ? "true" : "false";
}

static status parse_integer(struct options *options, const struct option_entry *entry,
                            const char *text, const char *subject)
{
    const struct option_word *word = option_word(entry->words, text);
    if (word) {
        *(long *)option_field(options, entry) = word->value;
        return STATUS_OK;
    }
    char *end;
    long number = strtol(text, &end, 10);
    bool is_number = strchr("+-0123456789", *text) && end != text && *end == '\0';
    if (!is_number)
        return option_refuse(subject, entry->words ? "auto or a whole number" : "a whole number",
                             text);
    if (number > INT_MAX)
        return option_refuse(subject, "2147483647 or less", text);
    status outcome = option_check_range(entry->range, (double)number, text, subject);
    if (outcome == STATUS_OK)
        *(long *)option_field(options, entry) = number;
    return outcome;
}

static const char *format_integer(const struct options *options, const struct option_entry *entry,
                                  char *buffer)
{
    long number = *(long *)option_field(options, entry);
    const struct option_word *word = option_word_of(entry->words, (double)number);
    if (word)
        return word->word;
    snprintf(buffer, OPTION_TEXT_SIZE, "%ld", number);
    return buffer;
}

static status parse_seed(struct options *options, const struct option_entry *entry,
                         const char *text, const char *subject)
{
    const char *end;
    uint64_t seed;
    if (!option_read_count(text, &seed, &end) || *end)
        return option_refuse(subject, "a whole number from 0 to 18446744073709551615", text);
    *(uint64_t *)option_field(options, entry) = seed;
    return STATUS_OK;
}

static const char *format_seed(const struct options *options, const struct option_entry *entry,
                               char *buffer)
{
    snprintf(buffer, OPTION_TEXT_SIZE, "%llu", *(unsigned long long *)option_field(options, entry));
    return buffer;
}

static status parse_number(struct options *options, const struct option_entry *entry,
                           const char *text, const char *subject)
{
    const char *end;
    double number;
    if (!option_read_number(text, &number, &end) || *end)
        return option_refuse(subject, "a number", text);
    status outcome = option_check_range(entry->range, number, text, subject);
    if (outcome == STATUS_OK)
        *(double *)option_field(options, entry) = number;
    return outcome;
}

static const char *format_number(const struct options *options, const struct option_entry *entry,
                                 char *buffer)
{
    return number_text(*(double *)option_field(options, entry), buffer);
}

static status parse_choice(struct options *options, const struct option_entry *entry,
                           const char *text, const char *subject)
{
    const struct option_word *word = option_word(entry->words, text);
    if (word) {
        *(int *)option_field(options, entry) = (int)word->value;
        return STATUS_OK;
    }
    char choices[128];
    size_t used = 0;
    for (word = entry->words; word->word; word++) {
        const char *before = word == entry->words ? "" : word[1].word ? ", " : " or ";
        used += (size_t)snprintf(choices + used, sizeof choices - used, "%s%s", before, word->word);
    }
    return option_refuse(subject, choices, text);
}

static const char *format_choice(const struct options *options, const struct option_entry *entry,
                                 char *buffer)
{
    (void)buffer;
    const struct option_word *word =
        option_word_of(entry->words, *(int *)option_field(options, entry));
    COTERIE_ASSERT(word);
    return word->word;
}

/* "" is "not said", so that a record can be read back. */
static status parse_text(struct options *options, const struct option_entry *entry,
                         const char *text, const char *subject)
{
    char **at = option_field(options, entry);
    char *copy = NULL;
    if (*text && !(copy = memory_strdup(text)))
        return status_set(STATUS_FAILED, "not enough memory for %s", subject);
    memory_free(at);
    *at = copy;
    return STATUS_OK;
}

static const char *format_text(const struct options *options, const struct option_entry *entry,
                               char *buffer)
{
    (void)buffer;
    const char *text = *(char **)option_field(options, entry);
    return text ? text : "";
}

static const struct value_kind flag_kind = {parse_flag, format_flag},
                               integer_kind = {parse_integer, format_integer},
                               seed_kind = {parse_seed, format_seed},
                               number_kind = {parse_number, format_number},
                               choice_kind = {parse_choice, format_choice},
                               text_kind = {parse_text, format_text};

static const struct value_kind *const kinds[] = {
    [KIND_FLAG] = &flag_kind,         [KIND_INTEGER] = &integer_kind,
    [KIND_SEED] = &seed_kind,         [KIND_NUMBER] = &number_kind,
    [KIND_DURATION] = &duration_kind, [KIND_CHOICE] = &choice_kind,
    [KIND_TEXT] = &text_kind,         [KIND_WIDTHS] = &widths_kind,
    [KIND_SCHEDULE] = &schedule_kind, [KIND_ANNEAL] = &anneal_kind,
    [KIND_GATE] = &gate_kind,         [KIND_VARIANCE] = &variance_kind,
    [KIND_FREEDOM] = &freedom_kind,   [KIND_SCALE] = &scale_kind,
    [KIND_INTERVAL] = &interval_kind, [KIND_GRID] = &grid_kind,
};

status option_store(struct options *options, const struct option_entry *entry, const char *text,
                    const char *subject)
{
    if (!*text && entry->kind != KIND_TEXT && entry->kind != KIND_GRID)
        return status_set(STATUS_USAGE, "%s needs a value", subject);
    return kinds[entry->kind]->parse(options, entry, text, subject);
}

const char *option_format(const struct options *options, const struct option_entry *entry,
                          char buffer[static OPTION_TEXT_SIZE])
{
    return kinds[entry->kind]->format(options, entry, buffer);
}
