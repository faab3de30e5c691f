/* SPDX-License-Identifier: BSD-3-Clause */
#include "option_set.h"

#include "base/memory.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

/* What stands before "must be ..." in messages: "--experts". */
enum { SUBJECT_SIZE = 512 };

/* Codes of getopt_long: a word that is no option, and option number i of the table as FIRST + i. */
enum { CODE_POSITIONAL = 1, CODE_FIRST = 256 };

/* What was said on the command line, in order, until the file has been read. */
struct said {
    size_t n;
    struct {
        const struct option_entry *entry;
        const char *value;
    } * item;
    const char *config;
};

/* One word that getopt_long did not take for an option of this command. */
static status refuse_word(enum command command, const char *word)
{
    if (strncmp(word, "--", 2) != 0)
        return status_set(STATUS_USAGE, "unknown option %s; options begin with two dashes", word);
    char name[128];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(word + 2, "="), word + 2);
    const struct option_entry *entry = option_find(command, name);
    if (entry && strcmp(entry->name, name) == 0)
        return entry->hint ? status_set(STATUS_USAGE, "--%s needs a value: --%s %s", name, name,
                                        entry->hint)
                           : status_set(STATUS_USAGE, "--%s takes no value", name);
    return option_unknown(command, name, NULL);
}

/* Abbreviations, which getopt_long takes, would change meaning with every new option. */
static bool is_whole_name(const char *word, const struct option_entry *entry)
{
    size_t length = strlen(entry->name);
    return strncmp(word, "--", 2) == 0 && strncmp(word + 2, entry->name, length) == 0 &&
           (word[2 + length] == '\0' || word[2 + length] == '=');
}

static status take_word(struct options *options, const char *word, int code, struct said *said)
{
    if (code == CODE_POSITIONAL)
        return string_list_add(&options->positional, optarg);
    if (code < CODE_FIRST)
        return refuse_word(options->command, word);
    const struct option_entry *entry = &option_table[code - CODE_FIRST];
    if (!is_whole_name(word, entry))
        return refuse_word(options->command, word);
    if (optarg && !strchr(word, '=') && strncmp(optarg, "--", 2) == 0)
        return status_set(STATUS_USAGE, "--%s needs a value, but %s follows", entry->name, optarg);
    if (optarg && !*optarg)
        return status_set(STATUS_USAGE, "--%s needs a value that is not empty", entry->name);
    if (entry->kind == KIND_CONFIG) {
        said->config = optarg;
        return STATUS_OK;
    }
    said->item[said->n].entry = entry;
    said->item[said->n++].value = entry->hint ? optarg : "true";
    return STATUS_OK;
}

static status take_words(struct options *options, int argc, char **argv, struct said *said)
{
    struct option *known = NULL;
    status outcome = memory_alloc(&known, options_count() + 1, sizeof *known, "the options");
    size_t n = 0;
    for (size_t i = 0; i < options_count() && outcome == STATUS_OK; i++) {
        const struct option_entry *entry = &option_table[i];
        if (option_is_of(entry, options->command))
            known[n++] = (struct option){entry->name, entry->hint ? required_argument : no_argument,
                                         NULL, CODE_FIRST + (int)i};
    }
    optind = 0; /* starts anew */
    opterr = 0;
    int code = 0;
    while (outcome == STATUS_OK) {
        const char *word = argv[optind == 0 ? 1 : optind];
        code = getopt_long(argc, argv, "-:", known, NULL);
        if (code == -1)
            break;
        outcome = take_word(options, word, code, said);
    }
    for (int i = optind; i < argc && outcome == STATUS_OK; i++) /* behind "--" */
        outcome = string_list_add(&options->positional, argv[i]);
    memory_free(&known);
    return outcome;
}

/* Of two lists of values for one option the first would be lost. */
static status check_grids(const struct said *said)
{
    for (size_t i = 0; i < said->n; i++)
        for (size_t j = 0; j < i; j++) {
            const char *a = said->item[i].value, *b = said->item[j].value;
            bool are_grids =
                said->item[i].entry->kind == KIND_GRID && said->item[j].entry->kind == KIND_GRID;
            size_t length = strcspn(a, "=");
            bool same = are_grids && length == strcspn(b, "=");
            for (size_t k = 0; k < length && same; k++)
                same = (a[k] == '_' ? '-' : a[k]) == (b[k] == '_' ? '-' : b[k]);
            if (same)
                return status_set(STATUS_USAGE,
                                  "--grid %.*s is given twice; list all its values in one --grid",
                                  (int)length, a);
        }
    return STATUS_OK;
}

static status check_positional(const struct options *options)
{
    const struct command_entry *command = command_table[options->command];
    size_t wanted = 0;
    while (wanted < 2 && command->positional[wanted])
        wanted++;
    if (options->positional.n < wanted)
        return status_set(STATUS_USAGE, "`%s` needs %s; usage: %s", command->name,
                          command->positional[options->positional.n], command->usage);
    if (options->positional.n > wanted && !command->takes_rest)
        return status_set(STATUS_USAGE, "unexpected word %s; usage: %s",
                          options->positional.item[wanted], command->usage);
    return STATUS_OK;
}

static status check_required(const struct options *options)
{
    const struct command_entry *command = command_table[options->command];
    for (int i = 0; i < 2 && command->required[i]; i++)
        if (!options_is_set(options, command->required[i]))
            return status_set(STATUS_USAGE, "`%s` needs --%s; usage: %s", command->name,
                              command->required[i], command->usage);
    return STATUS_OK;
}

static bool asks_for_help(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

status options_parse(struct options *options, int argc, char **argv, bool *help)
{
    struct said said = {0};
    *help = asks_for_help(argc, argv);
    if (*help)
        return STATUS_OK;
    status outcome = memory_alloc(&said.item, (size_t)argc, sizeof *said.item, "the options");
    if (outcome == STATUS_OK)
        outcome = take_words(options, argc, argv, &said);
    if (outcome == STATUS_OK)
        outcome = check_grids(&said);
    if (outcome == STATUS_OK)
        outcome = check_positional(options);
    if (outcome == STATUS_OK && said.config)
        outcome = options_read_yaml(options, said.config);
    for (size_t i = 0; i < said.n && outcome == STATUS_OK; i++) {
        char subject[SUBJECT_SIZE];
        snprintf(subject, sizeof subject, "--%s", said.item[i].entry->name);
        outcome = option_say(options, said.item[i].entry, said.item[i].value, subject);
    }
    if (outcome == STATUS_OK)
        outcome = check_required(options);
    memory_free(&said.item);
    return outcome;
}
