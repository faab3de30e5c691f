/* SPDX-License-Identifier: BSD-3-Clause */
#include "builtin.h"

#include "base/memory.h"

#include <string.h>

static const struct vowel_row {
    char type; /* m, w, c: man, woman, child */
    int speaker;
    const char *vowel;
    double formant[4]; /* F0 .. F3, Hz */
} rows[] = {
#include "vowel_table.inc"
};

enum { N_ROWS = sizeof rows / sizeof *rows, OMITTED_SPEAKER = 33, LAST_TRAINING_SPEAKER = 51 };

static const char prefix[] = "builtin:";

/* What a name stands for. */
struct selection {
    const char *name;
    bool only_four;
    bool test;
    const char *validation;
};

static const struct selection selections[] = {
    {"builtin:vowels", true, false, "builtin:vowels/test"},
    {"builtin:vowels/train", true, false, NULL},
    {"builtin:vowels/test", true, true, NULL},
    {"builtin:vowels10", false, false, "builtin:vowels10/test"},
    {"builtin:vowels10/train", false, false, NULL},
    {"builtin:vowels10/test", false, true, NULL},
};

enum { N_SELECTIONS = sizeof selections / sizeof *selections };

bool builtin_is_name(const char *path)
{
    return strncmp(path, prefix, sizeof prefix - 1) == 0;
}

static const struct selection *find_selection(const char *path)
{
    for (size_t i = 0; i < N_SELECTIONS; i++)
        if (strcmp(selections[i].name, path) == 0)
            return &selections[i];
    return NULL;
}

const char *builtin_validation(const char *path)
{
    const struct selection *selection = find_selection(path);
    return selection ? selection->validation : NULL;
}

static bool is_one_of(const char *vowel, const char *const *set, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(vowel, set[i]) == 0)
            return true;
    return false;
}

/* The order of Jacobs et al. 1991, and that of the table. */
static const char *const four_vowels[] = {"iy", "ih", "aa", "ah"};
static const char *const ten_vowels[] = {"iy", "ih", "eh", "ae", "ah",
                                         "aa", "ao", "uh", "uw", "er"};

static bool selected(const struct selection *selection, const struct vowel_row *row)
{
    return row->speaker != OMITTED_SPEAKER &&
           (row->speaker > LAST_TRAINING_SPEAKER) == selection->test &&
           (!selection->only_four || is_one_of(row->vowel, four_vowels, 4));
}

static status name_columns(bool only_four, struct builtin_table *table)
{
    status outcome = string_list_add_split(&table->names, "F0,F1,F2,F3,speaker,man,woman,child");
    if (outcome == STATUS_OK && only_four)
        outcome = string_list_add_split(&table->names, "ia,iA");
    for (size_t i = 0; i < (only_four ? 4 : 10) && outcome == STATUS_OK; i++)
        outcome = string_list_add(&table->vowels, only_four ? four_vowels[i] : ten_vowels[i]);
    return outcome;
}

static void fill_row(const struct vowel_row *row, bool only_four, double *number)
{
    static const char *const ia[] = {"iy", "aa"}, *const iA[] = {"iy", "ah"};
    memcpy(number, row->formant, sizeof row->formant);
    number[4] = row->speaker;
    number[5] = row->type == 'm';
    number[6] = row->type == 'w';
    number[7] = row->type == 'c';
    if (only_four) {
        number[8] = is_one_of(row->vowel, ia, 2);
        number[9] = is_one_of(row->vowel, iA, 2);
    }
}

static status unknown_name(const char *path)
{
    struct string_list known = {0};
    char joined[256];
    status outcome = STATUS_OK;
    for (size_t i = 0; i < N_SELECTIONS && outcome == STATUS_OK; i++)
        outcome = string_list_add(&known, selections[i].name);
    const char *nearest = string_list_nearest(&known, path);
    string_list_join(&known, joined, sizeof joined);
    if (outcome == STATUS_OK)
        outcome = status_set(STATUS_USAGE, "there is no built-in data '%s'%s%s%s there are: %s",
                             path, nearest ? "; did you mean '" : "", nearest ? nearest : "",
                             nearest ? "'?" : ";", joined);
    string_list_release(&known);
    return outcome;
}

status builtin_load(const char *path, struct builtin_table *table)
{
    memset(table, 0, sizeof *table);
    const struct selection *selection = find_selection(path);
    if (!selection)
        return unknown_name(path);
    for (size_t i = 0; i < N_ROWS; i++)
        table->n += selected(selection, &rows[i]);
    status outcome = name_columns(selection->only_four, table);
    size_t width = table->names.n;
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&table->number, table->n * width, sizeof *table->number, "vowels");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&table->vowel, table->n, sizeof *table->vowel, "vowels");
    for (size_t i = 0, at = 0; i < N_ROWS && outcome == STATUS_OK; i++) {
        if (!selected(selection, &rows[i]))
            continue;
        fill_row(&rows[i], selection->only_four, table->number + at * width);
        table->vowel[at++] = (int32_t)string_list_find(&table->vowels, rows[i].vowel);
    }
    if (outcome != STATUS_OK)
        builtin_release(table);
    return outcome;
}

void builtin_release(struct builtin_table *table)
{
    string_list_release(&table->names);
    string_list_release(&table->vowels);
    memory_free(&table->number);
    memory_free(&table->vowel);
    table->n = 0;
}
