/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/options/option_text.h"
#include "option_set.h"
#include "option_value.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

/*
 * A grid is kept as text, one line for each option: "experts=2;4;8\nlearning-rate=0.1;0.01", with
 * every value as its option would be recorded, so that equal values are equal text.
 */

/* Settings are ranked by what they say of the same held-out samples; seeds are repetitions. */
static status check_name(const char *name, const char *subject, const struct option_entry **entry)
{
    *entry = option_find(COMMAND_TRAIN, name);
    const struct option_entry *of_sweep = option_find(COMMAND_SWEEP, name);
    if (!*entry && of_sweep && (of_sweep->traits & OPTION_OF_SWEEP))
        *entry = of_sweep;
    if (!*entry || !option_is_recorded(*entry))
        return option_unknown(COMMAND_TRAIN, name, subject);
    if (!option_may_be_in_grid(*entry))
        return status_set(STATUS_USAGE, "%s: %s cannot be in a grid%s", subject, name,
                          (*entry)->kind == KIND_SEED ? "; use --seeds N" : "");
    return STATUS_OK;
}

/* Adds one value, as its option formats it, to `values`. */
static status add_value(struct options *scratch, const struct option_entry *entry, const char *text,
                        const char *subject, struct string_list *values)
{
    char full[192], buffer[OPTION_TEXT_SIZE];
    snprintf(full, sizeof full, "%s: %s", subject, entry->name);
    status outcome = option_store(scratch, entry, text, full);
    if (outcome != STATUS_OK)
        return outcome;
    const char *value = option_format(scratch, entry, buffer);
    if (string_list_find(values, value) >= 0)
        return status_set(STATUS_USAGE, "%s has %s twice", full, value);
    return string_list_add(values, value);
}

/* The values between semicolons, or between commas if there is no semicolon. */
static status split_values(const struct option_entry *entry, const char *text, const char *subject,
                           struct string_list *values)
{
    const char separator[] = {strchr(text, ';') ? ';' : ',', '\0'};
    struct options scratch;
    status outcome = options_init(&scratch, COMMAND_TRAIN);
    while (outcome == STATUS_OK && *text) {
        size_t length = strcspn(text, separator);
        char *value = strndup(text, length);
        if (!value)
            outcome = status_set(STATUS_FAILED, "not enough memory for the grid");
        else
            outcome = add_value(&scratch, entry, value, subject, values);
        memory_free(&value);
        text += length + (text[length] != '\0');
    }
    if (outcome == STATUS_OK && values->n == 0)
        outcome = status_set(STATUS_USAGE, "%s: %s has no values", subject, entry->name);
    options_release(&scratch);
    return outcome;
}

/* Writes the grid without the line of `name`, then that line anew. */
static status replace_line(char **grid, const char *name, const struct string_list *values)
{
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    if (!stream)
        return status_set(STATUS_FAILED, "not enough memory for the grid");
    for (const char *line = *grid ? *grid : ""; *line;) {
        size_t length = strcspn(line, "\n");
        if (strncmp(line, name, strlen(name)) != 0 || line[strlen(name)] != '=')
            fprintf(stream, "%.*s\n", (int)length, line);
        line += length + (line[length] == '\n');
    }
    fprintf(stream, "%s=", name);
    for (size_t i = 0; i < values->n; i++)
        fprintf(stream, "%s;", values->item[i]);
    if (fclose(stream) != 0) {
        memory_free(&text);
        return status_set(STATUS_FAILED, "not enough memory for the grid");
    }
    memory_free(grid);
    *grid = text;
    return STATUS_OK;
}

static status add_line(char **grid, const char *line, const char *subject)
{
    char name[OPTION_KEY_SIZE];
    const struct option_entry *entry = NULL;
    struct string_list values = {0};
    const char *equals = strchr(line, '=');
    if (!equals || equals == line || (size_t)(equals - line) >= sizeof name)
        return option_refuse(subject, "an option and its values, such as experts=2,4,8", line);
    snprintf(name, sizeof name, "%.*s", (int)(equals - line), line);
    for (char *at = name; *at; at++)
        if (*at == '_')
            *at = '-';
    status outcome = check_name(name, subject, &entry);
    if (outcome == STATUS_OK)
        outcome = split_values(entry, equals + 1, subject, &values);
    if (outcome == STATUS_OK)
        outcome = replace_line(grid, name, &values);
    string_list_release(&values);
    return outcome;
}

static status parse_grid(struct options *options, const struct option_entry *entry,
                         const char *text, const char *subject)
{
    char **grid = option_field(options, entry);
    status outcome = STATUS_OK;
    while (*text && outcome == STATUS_OK) {
        size_t length = strcspn(text, "\n");
        char *line = strndup(text, length);
        outcome = line ? add_line(grid, line, subject)
                       : status_set(STATUS_FAILED, "not enough memory for the grid");
        memory_free(&line);
        text += length + (text[length] == '\n');
    }
    return outcome;
}

static const char *format_grid(const struct options *options, const struct option_entry *entry,
                               char *buffer)
{
    (void)buffer;
    const char *grid = *(char **)option_field(options, entry);
    return grid ? grid : "";
}

const struct value_kind grid_kind = {parse_grid, format_grid};

status options_grid(const struct options *options, struct string_list *names,
                    struct string_list **values)
{
    size_t n_lines = 0, n = 0;
    for (const char *at = options->grid; at && *at; at++)
        n_lines += *at == '=' ? 1 : 0;
    status outcome = memory_alloc(values, n_lines, sizeof **values, "the grid");
    const char *line = options->grid ? options->grid : "";
    while (outcome == STATUS_OK && *line) {
        size_t name = strcspn(line, "=");
        char *text = strndup(line, name);
        outcome = text ? string_list_add(names, text)
                       : status_set(STATUS_FAILED, "not enough memory for the grid");
        memory_free(&text);
        line += name + 1;
        while (outcome == STATUS_OK && *line && *line != '\n') {
            size_t length = strcspn(line, ";\n");
            text = strndup(line, length);
            outcome = text ? string_list_add(&(*values)[n], text)
                           : status_set(STATUS_FAILED, "not enough memory for the grid");
            memory_free(&text);
            line += length + (line[length] == ';');
        }
        n++;
        line += *line == '\n';
    }
    return outcome;
}
