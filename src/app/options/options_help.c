/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/options/option_entry.h"

#include <stdio.h>
#include <string.h>

enum { HELP_COLUMN = 30, HELP_WIDTH = 80 };

/* Prints words from column `indent` on, where the line is, with line breaks between them. */
static void print_wrapped(size_t indent, const char *text, FILE *file)
{
    size_t column = indent;
    for (const char *word = text; *word;) {
        size_t length = strcspn(word, " ");
        if (column > indent && column + 1 + length > HELP_WIDTH) {
            fprintf(file, "\n%*s", (int)indent, "");
            column = indent;
        }
        bool first = column == indent;
        fprintf(file, "%s%.*s", first ? "" : " ", (int)length, word);
        column += length + !first;
        word += length;
        word += strspn(word, " ");
    }
    fputc('\n', file);
}

/* The help line, the choices and the default. */
static void describe(const struct option_entry *entry, char *text, size_t size)
{
    size_t used = (size_t)snprintf(text, size, "%s", entry->help);
    if (entry->kind == KIND_CHOICE)
        for (const struct option_word *word = entry->words; word->word; word++)
            used += (size_t)snprintf(text + used, size - used, "%s%s%s",
                                     word == entry->words ? " (" : ", ", word->word,
                                     word[1].word ? "" : ")");
    if (entry->value)
        snprintf(text + used, size - used, " [%s]", entry->value);
}

static void print_option(const struct option_entry *entry, FILE *file)
{
    char left[64], right[512];
    snprintf(left, sizeof left, "  --%s%s%s", entry->name, entry->hint ? " " : "",
             entry->hint ? entry->hint : "");
    describe(entry, right, sizeof right);
    fprintf(file, "%-*s", HELP_COLUMN, left);
    if (strlen(left) >= HELP_COLUMN)
        fprintf(file, "\n%*s", HELP_COLUMN, "");
    print_wrapped(HELP_COLUMN, right, file);
}

static void print_section(enum command command, enum option_section section, FILE *file)
{
    bool begun = false;
    for (size_t i = 0; i < options_count(); i++) {
        const struct option_entry *entry = &option_table[i];
        if (entry->section != section || !option_is_of(entry, command))
            continue;
        if (!begun)
            fprintf(file, "\n%s\n", section_names[section]);
        begun = true;
        print_option(entry, file);
    }
}

void options_print_help(enum command command, FILE *file)
{
    const struct command_entry *entry = command_table[command];
    char text[256];
    snprintf(text, sizeof text, "`coterie %s` %s.", entry->name, entry->summary);
    fprintf(file, "Usage: %s\n\n", entry->usage);
    print_wrapped(0, text, file);
    for (int section = 0; section < N_SECTIONS; section++)
        print_section(command, (enum option_section)section, file);
    fprintf(file, "\nExamples\n%s", entry->examples);
}

void options_print_overview(FILE *file)
{
    fprintf(file, "Usage: coterie <command> [options]\n\n"
                  "Coterie trains adaptive mixtures of local experts (Jacobs, Jordan, Nowlan &\n"
                  "Hinton 1991) over MPI: a gating network on rank 0 and experts divided among\n"
                  "all ranks.\n\nCommands\n");
    for (int c = 0; c < N_COMMANDS; c++) {
        fprintf(file, "  %-10s", command_table[c]->name);
        print_wrapped(12, command_table[c]->summary, file);
    }
    fprintf(file, "\n`coterie <command> --help` lists a command's options; `coterie --version`\n"
                  "lists the libraries in use.\n\nExamples\n"
                  "  coterie train                                  the built-in vowels\n"
                  "  mpirun -n 4 coterie train --experts 8 --output run\n"
                  "  mpirun -n 4 coterie train --data wine.csv --targets quality --valid 0.2\n"
                  "  coterie predict run --data new.csv --output predictions.csv\n\n"
                  "coterie computes in single precision, coterie_d in double; each reads the\n"
                  "other's files.\n");
}
