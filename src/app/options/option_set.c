/* SPDX-License-Identifier: BSD-3-Clause */
#include "option_set.h"

#include "base/memory.h"
#include "option_value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What stands before "must be ..." in messages: "--experts", or "run.yaml:3: experts". */
enum { SUBJECT_SIZE = 512 };

status options_init(struct options *options, enum command command)
{
    memset(options, 0, sizeof *options);
    options->command = command;
    status outcome = memory_alloc(&options->is_set, options_count(), sizeof(bool), "the options");
    for (size_t i = 0; i < options_count() && outcome == STATUS_OK; i++)
        if (option_is_of(&option_table[i], command) && option_table[i].value)
            outcome = option_store(options, &option_table[i], option_table[i].value,
                                   option_table[i].name);
    return outcome;
}

void options_release(struct options *options)
{
    string_list_release(&options->positional);
    for (size_t i = 0; i < options_count(); i++)
        if (option_table[i].kind == KIND_TEXT || option_table[i].kind == KIND_GRID)
            memory_free((char *)options + option_table[i].offset);
    memory_free(&options->is_set);
}

status option_say(struct options *options, const struct option_entry *entry, const char *text,
                  const char *subject)
{
    status outcome = option_store(options, entry, text, subject);
    if (outcome == STATUS_OK)
        options->is_set[entry - option_table] = true;
    return outcome;
}

/* "`train` and `predict`": the commands that have this option. */
static void list_commands(unsigned commands, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (int c = 0; c < N_COMMANDS; c++) {
        if (!(commands & 1u << c))
            continue;
        commands &= ~(1u << c);
        const char *before = used == 0 ? "" : commands ? ", " : " and ";
        used +=
            (size_t)snprintf(text + used, size - used, "%s`%s`", before, command_table[c]->name);
    }
}

static unsigned commands_with(const char *name)
{
    unsigned commands = 0;
    for (int c = 0; c < N_COMMANDS; c++)
        if (option_find((enum command)c, name))
            commands |= 1u << c;
    return commands;
}

/* The names that could have been meant: as on the command line, or as in a file. */
static status list_names(enum command command, bool in_file, struct string_list *names)
{
    status outcome = STATUS_OK;
    for (size_t i = 0; i < options_count() && outcome == STATUS_OK; i++) {
        char key[OPTION_KEY_SIZE];
        const struct option_entry *entry = &option_table[i];
        option_key(entry, key);
        if (option_is_of(entry, command) && (!in_file || option_is_recorded(entry)))
            outcome = string_list_add(names, in_file ? key : entry->name);
    }
    return outcome;
}

status option_unknown(enum command command, const char *name, const char *origin)
{
    const char *own = command_table[command]->name, *dashes = origin ? "" : "--";
    unsigned others = commands_with(name) & ~(1u << command);
    struct string_list names = {0};
    status outcome = list_names(command, origin != NULL, &names);
    const char *nearest = option_elsewhere(name);
    if (!nearest || !option_find(command, nearest))
        nearest = string_list_nearest(&names, name);
    if (outcome != STATUS_OK) {
        /* No memory for a suggestion: that is the message. */
    } else if (option_find(command, name) && !origin) {
        outcome = status_set(STATUS_USAGE, "unknown option --%s; did you mean --%s?", name,
                             option_find(command, name)->name);
    } else if (option_find(command, name)) {
        outcome = status_set(STATUS_USAGE, "%s can be given on the command line only", name);
    } else if (others != 0) {
        char text[128];
        list_commands(others, text, sizeof text);
        outcome =
            status_set(STATUS_USAGE, "%s%s is an option of %s, not of `%s`%s", dashes, name, text,
                       own, command_table[command]->takes_rest ? "; such options follow --" : "");
    } else if (nearest) {
        outcome = status_set(STATUS_USAGE, "unknown option %s%s; did you mean %s%s?", dashes, name,
                             dashes, nearest);
    } else {
        outcome = status_set(STATUS_USAGE, "unknown option %s%s; `coterie %s --help` lists all",
                             dashes, name, own);
    }
    string_list_release(&names);
    return origin ? status_prefix(outcome, origin) : outcome;
}

status options_set(struct options *options, const char *key, const char *value, const char *origin)
{
    const struct option_entry *entry = option_find(options->command, key);
    if (!entry || !option_is_recorded(entry))
        return option_unknown(options->command, key, origin);
    char subject[SUBJECT_SIZE];
    snprintf(subject, sizeof subject, "%s: %s", origin, key);
    return option_say(options, entry, value, subject);
}

bool options_is_set(const struct options *options, const char *key)
{
    const struct option_entry *entry = option_find(options->command, key);
    return entry && options->is_set[entry - option_table];
}

const char *options_value(const struct options *options, const char *key)
{
    static _Thread_local char text[OPTION_TEXT_SIZE];
    const struct option_entry *entry = option_find(options->command, key);
    COTERIE_ASSERT(entry && option_is_recorded(entry));
    return option_format(options, entry, text);
}

const struct option_entry *options_said(const struct options *options, unsigned traits)
{
    for (size_t i = 0; i < options_count(); i++)
        if (options->is_set[i] && (option_table[i].traits & traits) != 0)
            return &option_table[i];
    return NULL;
}

status options_visit(const struct options *options,
                     status (*visit)(const struct option_entry *entry, const char *value,
                                     void *context),
                     void *context)
{
    status outcome = STATUS_OK;
    for (size_t i = 0; i < options_count() && outcome == STATUS_OK; i++) {
        const struct option_entry *entry = &option_table[i];
        char text[OPTION_TEXT_SIZE];
        if (option_is_of(entry, options->command) && option_is_recorded(entry))
            outcome = visit(entry, option_format(options, entry, text), context);
    }
    return outcome;
}
