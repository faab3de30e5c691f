/* SPDX-License-Identifier: BSD-3-Clause */
#include "data/csv/csv.h"

#include "base/memory.h"
#include "data/csv/csv_cell.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

bool csv_is_gap(const struct csv_table *table, size_t c, size_t row)
{
    const struct csv_column *column = &table->column[c];
    return column->number ? !isfinite(column->number[row]) : column->code[row] < 0;
}

static bool has_gaps(const struct csv_table *table, size_t c)
{
    return table->column[c].n_missing + table->column[c].n_not_finite > 0;
}

/* Cells without a value: the first of them, and how many there are in how many rows. */
struct gaps {
    size_t row, column;
    size_t n_cells, n_rows;
};

static void add_column(const struct csv_table *table, size_t c, bool *in_row, struct gaps *gaps)
{
    for (size_t row = 0; row < table->n_rows; row++) {
        if (!csv_is_gap(table, c, row))
            continue;
        if (gaps->n_cells++ == 0 || row < gaps->row) {
            gaps->row = row;
            gaps->column = c;
        }
        gaps->n_rows += !in_row[row];
        in_row[row] = true;
    }
}

static status say_gaps(const struct csv_table *table, const struct gaps *gaps)
{
    const struct csv_column *column = &table->column[gaps->column];
    char what[2 * CSV_SHOWN + 64] = "the value is missing", shown[CSV_SHOWN];
    char all[128] = "";
    if (column->mark && gaps->row == column->mark_row)
        snprintf(what, sizeof what, "the value is missing ('%s')",
                 csv_printable(column->mark, shown));
    else if (column->n_not_finite > 0 && gaps->row == column->first_not_finite)
        snprintf(what, sizeof what, "'%s' is not a finite number", column->not_finite);
    if (gaps->n_cells > 1)
        snprintf(all, sizeof all, ", the first of %zu such cells in %zu of the %zu rows",
                 gaps->n_cells, gaps->n_rows, table->n_rows);
    char where[40];
    snprintf(where, sizeof where, table->line ? "line %zu" : "row %zu (from 0)",
             table->line ? table->line[gaps->row] : gaps->row);
    status outcome = status_set(STATUS_USAGE, "%s, %s, column '%s': %s%s", table->path, where,
                                table->names.item[gaps->column], what, all);
    return status_advise(
        outcome, gaps->n_cells == 1 ? "fill it in or remove the row"
                                    : "fill them in or remove the rows{, or leave columns out with "
                                      "@exclude (coterie inspect counts by column)}");
}

status csv_need_finite(const struct csv_table *table, size_t c)
{
    const struct csv_column *column = &table->column[c];
    char where[40];
    size_t row = column->first_not_finite;
    if (!column->number || column->n_not_finite == 0)
        return STATUS_OK;
    snprintf(where, sizeof where, table->line ? "line %zu" : "row %zu (from 0)",
             table->line ? table->line[row] : row);
    return status_set(STATUS_USAGE,
                      "%s, %s, column '%s': '%s' is not a finite number; correct it, or leave the "
                      "cell empty if the value is not known",
                      table->path, where, table->names.item[c], column->not_finite);
}

status csv_need_values(const struct csv_table *table, const size_t *columns, size_t n)
{
    struct gaps gaps = {0};
    bool any = false, *in_row = NULL;
    for (size_t i = 0; i < n; i++)
        any = any || has_gaps(table, columns[i]);
    if (!any)
        return STATUS_OK;
    status outcome = memory_alloc(&in_row, table->n_rows, sizeof *in_row, "rows without values");
    for (size_t i = 0; i < n && outcome == STATUS_OK; i++)
        if (has_gaps(table, columns[i]))
            add_column(table, columns[i], in_row, &gaps);
    memory_free(&in_row);
    return outcome == STATUS_OK ? say_gaps(table, &gaps) : outcome;
}

static status say_unsure(const struct csv_table *table, size_t c)
{
    return status_set(STATUS_USAGE, "%s, column '%s': %s", table->path, table->names.item[c],
                      table->column[c].unsure);
}

status csv_need_numbers(const struct csv_table *table, size_t c)
{
    const struct csv_column *column = &table->column[c];
    char shown[CSV_SHOWN];
    if (column->number)
        return STATUS_OK;
    if (column->unsure)
        return say_unsure(table, c);
    size_t row = column->first_text_row;
    const char *cell = column->values.item[column->code[row]];
    return status_set(
        STATUS_USAGE, "%s, %s %zu, column '%s': '%s' is not a number, but numbers are needed here",
        table->path, table->line ? "line" : "row", table->line ? table->line[row] : row,
        table->names.item[c], csv_printable(cell, shown));
}
