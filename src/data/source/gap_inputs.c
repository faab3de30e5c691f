/* SPDX-License-Identifier: BSD-3-Clause */
#include "data/source/gap_inputs.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

static const char before[] = "missing(";

enum { BEFORE = sizeof before - 1 };

bool gap_input_is(const char *name, const char *column)
{
    size_t length = strlen(name);
    if (length < BEFORE + 2 || strncmp(name, before, BEFORE) != 0 || name[length - 1] != ')')
        return false;
    size_t inner = length - BEFORE - 1;
    return !column || (strlen(column) == inner && strncmp(name + BEFORE, column, inner) == 0);
}

status gap_input_name(const char *column, char **name)
{
    size_t size = strlen(column) + BEFORE + 2;
    status outcome = memory_alloc(name, size, 1, "names of inputs");
    if (outcome == STATUS_OK)
        snprintf(*name, size, "%s%s)", before, column);
    return outcome;
}

/* Whether an input is the column that `name` tells of, or one of its texts. */
static bool tells_of(const char *name, const char *input)
{
    const char *column = name + BEFORE;
    size_t inner = strlen(column);
    return inner > 0 && strncmp(input, column, inner - 1) == 0 &&
           (!input[inner - 1] || input[inner - 1] == '=');
}

/* The first of the n inputs before it that `name` tells of, or n. The column itself comes first. */
static size_t find_told(const struct string_list *names, size_t n, const char *name)
{
    size_t found = n;
    for (size_t i = 0; i < n; i++) {
        if (gap_input_is(name, names->item[i]))
            return i;
        if (found == n && tells_of(name, names->item[i]))
            found = i;
    }
    return found;
}

static size_t count_own(const struct string_list *names)
{
    size_t n = names->n;
    while (n > 0 && gap_input_is(names->item[n - 1], NULL) &&
           find_told(names, n - 1, names->item[n - 1]) < n - 1)
        n--;
    return n;
}

status gap_inputs_find(struct gap_inputs *gaps, const struct string_list *names)
{
    size_t n_own = count_own(names);
    *gaps = (struct gap_inputs){.n_own = n_own, .n = names->n - n_own};
    status outcome = memory_alloc(&gaps->of, gaps->n, sizeof *gaps->of, "names of inputs");
    for (size_t i = 0; i < gaps->n && outcome == STATUS_OK; i++)
        gaps->of[i] = find_told(names, n_own, names->item[n_own + i]);
    return outcome;
}

void gap_inputs_spread(const struct gap_inputs *gaps, const struct string_list *names,
                       size_t *told_by)
{
    for (size_t c = 0; c < gaps->n_own; c++) {
        told_by[c] = gaps->n;
        for (size_t i = 0; i < gaps->n && told_by[c] == gaps->n; i++) {
            const char *name = names->item[gaps->n_own + i];
            bool is_column = gap_input_is(name, names->item[gaps->of[i]]);
            if (is_column ? c == gaps->of[i] : tells_of(name, names->item[c]))
                told_by[c] = i;
        }
    }
}

void gap_inputs_release(struct gap_inputs *gaps)
{
    memory_free(&gaps->of);
    gaps->n = 0;
}

static status add_column(struct string_list *columns, const char *name)
{
    char *column = NULL;
    size_t length = strlen(name) - BEFORE;
    status outcome = memory_alloc(&column, length, 1, "names of inputs");
    if (outcome == STATUS_OK) {
        snprintf(column, length, "%s", name + BEFORE);
        outcome = string_list_add(columns, column);
    }
    memory_free(&column);
    return outcome;
}

status gap_inputs_split(const struct string_list *names, struct string_list *own,
                        struct string_list *columns)
{
    size_t n_own = count_own(names);
    status outcome = STATUS_OK;
    for (size_t i = 0; i < names->n && outcome == STATUS_OK; i++)
        outcome =
            i < n_own ? string_list_add(own, names->item[i]) : add_column(columns, names->item[i]);
    return outcome;
}
