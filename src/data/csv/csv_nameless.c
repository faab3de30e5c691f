/* SPDX-License-Identifier: BSD-3-Clause */
/* The column of row numbers or row names that R and pandas write without a name. */
#include "csv_reading.h"

#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int compare_numbers(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static bool are_whole(const struct csv_table *table, const struct csv_column *column)
{
    for (size_t row = 0; row < table->n_rows; row++)
        if (!(column->number[row] == floor(column->number[row])))
            return false;
    return true;
}

/* An index may have been sampled or joined: whole numbers need not differ, others must. */
static status names_rows(const struct csv_table *table, const struct csv_column *column, bool *yes)
{
    double *sorted = NULL;
    *yes = false;
    if (column->n_missing + column->n_not_finite > 0)
        return STATUS_OK;
    if (!column->number) {
        *yes = column->values.n == table->n_rows;
        return STATUS_OK;
    }
    *yes = are_whole(table, column);
    if (*yes)
        return STATUS_OK;
    status outcome = memory_alloc(&sorted, table->n_rows, sizeof *sorted, "a CSV column");
    if (outcome != STATUS_OK)
        return outcome;
    memcpy(sorted, column->number, table->n_rows * sizeof *sorted);
    qsort(sorted, table->n_rows, sizeof *sorted, compare_numbers);
    *yes = true;
    for (size_t row = 1; row < table->n_rows; row++)
        *yes = *yes && sorted[row] != sorted[row - 1];
    memory_free(&sorted);
    return outcome;
}

static bool counts_rows(const struct csv_table *table, const struct csv_column *column)
{
    for (size_t row = 0; row < table->n_rows; row++)
        if (column->number && column->number[row] != column->number[0] + (double)row)
            return false;
    return !column->number || column->number[0] == 0 || column->number[0] == 1;
}

static bool is_empty(const struct csv_table *table, const struct csv_column *column)
{
    return column->n_missing == table->n_rows;
}

static status judge(const struct csv_table *table, size_t c, size_t header_line, bool *drop)
{
    static const char unnamed[] = "Unnamed: "; /* pandas, of a file that it has read and written */
    const struct csv_column *column = &table->column[c];
    const char *name = table->names.item[c];
    bool by_pandas = strncmp(name, unnamed, sizeof unnamed - 1) == 0;
    status outcome = STATUS_OK;
    *drop = false;
    if (*name && !by_pandas)
        return STATUS_OK;
    if (is_empty(table, column))
        *drop = true;
    else if (c == 0 || by_pandas)
        outcome = names_rows(table, column, drop);
    if (outcome != STATUS_OK || *drop || by_pandas)
        return outcome;
    return status_set(STATUS_USAGE, "%s, line %zu: column %zu has no name; give it one",
                      table->path, header_line, column->place + 1);
}

static status note_dropped(struct csv_table *table, size_t c)
{
    const struct csv_column *column = &table->column[c];
    char text[512];
    const char *what = is_empty(table, column) ? "values"
                       : column->number        ? "numbers of rows"
                                               : "names of rows";
    snprintf(text, sizeof text, "%s: column %zu has no name and %s%s, and is left out", table->path,
             column->place + 1, is_empty(table, column) ? "no " : "holds ", what);
    return string_list_add(&table->notes, text);
}

status csv_drop_nameless(struct csv_table *table, size_t header_line, bool must_count)
{
    size_t kept = 0, n = table->names.n;
    status outcome = STATUS_OK;
    const char *mark = must_count ? csv_comment_mark(table->names.item[1]) : NULL;
    if (mark)
        return status_set(
            STATUS_USAGE,
            "%s, line %zu: rows have %zu cells, but the header has %zu; it begins with "
            "'%s': if it is a comment, remove it, or let it begin with #",
            table->path, table->line[0], n, n - 1, mark);
    if (must_count && !counts_rows(table, &table->column[0]))
        return status_set(
            STATUS_USAGE,
            "%s, line %zu: rows have %zu cells, but the header has %zu; if they begin "
            "with the names of rows, give these a name in the header; if numbers have "
            "decimal commas, put them into quotes or semicolons between the cells",
            table->path, table->line[0], n, n - 1);
    for (size_t c = 0; c < n && outcome == STATUS_OK; c++) {
        bool drop = false;
        outcome = judge(table, c, header_line, &drop);
        if (outcome != STATUS_OK)
            return outcome;
        if (drop) {
            outcome = note_dropped(table, c);
            continue;
        }
        /* Changes places, so that the table owns all of them whatever comes. */
        char *name = table->names.item[kept];
        struct csv_column column = table->column[kept];
        table->names.item[kept] = table->names.item[c];
        table->column[kept++] = table->column[c];
        table->names.item[c] = name;
        table->column[c] = column;
    }
    for (size_t c = kept; c < n && outcome == STATUS_OK; c++) {
        csv_column_release(&table->column[c]);
        free(table->names.item[c]);
    }
    if (outcome == STATUS_OK)
        table->names.n = kept;
    if (outcome == STATUS_OK && kept == 0)
        outcome = status_set(STATUS_USAGE, "%s, line %zu: no column has a name; give them names",
                             table->path, header_line);
    return outcome;
}
