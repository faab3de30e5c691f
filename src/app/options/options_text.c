/* SPDX-License-Identifier: BSD-3-Clause */
#include "option_value.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * The text that rank 0 broadcasts: the number of the command, then fields of the form
 * LENGTH:BYTES, so that values may hold anything. First the positional words, preceded by their
 * count, then for each option of the table "1" or "0" (said or not) and its value. Both sides are
 * the same program, so the table's order is enough to tell fields apart.
 */
static void put(FILE *stream, const char *text)
{
    fprintf(stream, "%zu:%s", strlen(text), text);
}

static void put_number(FILE *stream, size_t number)
{
    char text[32];
    snprintf(text, sizeof text, "%zu", number);
    put(stream, text);
}

status options_to_text(const struct options *options, char **text)
{
    size_t length;
    *text = NULL;
    FILE *stream = open_memstream(text, &length);
    if (!stream)
        return status_set(STATUS_FAILED, "not enough memory for the options");
    put_number(stream, (size_t)options->command);
    put_number(stream, options->positional.n);
    for (size_t i = 0; i < options->positional.n; i++)
        put(stream, options->positional.item[i]);
    for (size_t i = 0; i < options_count(); i++) {
        const struct option_entry *entry = &option_table[i];
        char value[OPTION_TEXT_SIZE];
        if (!option_is_of(entry, options->command) || !option_is_recorded(entry))
            continue;
        put_number(stream, options->is_set[i]);
        put(stream, option_format(options, entry, value));
    }
    bool failed = ferror(stream) != 0;
    if (fclose(stream) != 0 || failed) {
        memory_free(text);
        return status_set(STATUS_FAILED, "not enough memory for the options");
    }
    return STATUS_OK;
}

/* The next field, allocated; *at moves behind it. */
static status get(const char **at, char **field)
{
    char *colon;
    size_t length = strtoul(*at, &colon, 10);
    COTERIE_ASSERT(*colon == ':');
    *field = strndup(colon + 1, length);
    *at = colon + 1 + length;
    return *field ? STATUS_OK : status_set(STATUS_FAILED, "not enough memory for the options");
}

static status get_number(const char **at, size_t *number)
{
    char *field;
    status outcome = get(at, &field);
    if (outcome == STATUS_OK)
        *number = strtoul(field, NULL, 10);
    memory_free(&field);
    return outcome;
}

static status get_option(struct options *options, size_t index, const char **at)
{
    size_t said = 0;
    char *value = NULL;
    status outcome = get_number(at, &said);
    if (outcome == STATUS_OK)
        outcome = get(at, &value);
    if (outcome == STATUS_OK)
        outcome = option_store(options, &option_table[index], value, option_table[index].name);
    options->is_set[index] = said != 0;
    memory_free(&value);
    return outcome;
}

status options_from_text(struct options *options, const char *text)
{
    const char *at = text;
    size_t command = 0, n_positional = 0;
    memset(options, 0, sizeof *options);
    status outcome = get_number(&at, &command);
    if (outcome == STATUS_OK)
        outcome = options_init(options, (enum command)command);
    if (outcome == STATUS_OK)
        outcome = get_number(&at, &n_positional);
    for (size_t i = 0; i < n_positional && outcome == STATUS_OK; i++) {
        char *word;
        outcome = get(&at, &word);
        if (outcome == STATUS_OK)
            outcome = string_list_add(&options->positional, word);
        memory_free(&word);
    }
    for (size_t i = 0; i < options_count() && outcome == STATUS_OK; i++)
        if (option_is_of(&option_table[i], options->command) &&
            option_is_recorded(&option_table[i]))
            outcome = get_option(options, i, &at);
    return outcome;
}
