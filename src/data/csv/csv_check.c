/* SPDX-License-Identifier: BSD-3-Clause */
#include "data/csv/csv.h"

#include "base/memory.h"
#include "data/csv/csv_cell.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

bool csv_is_missing_mark(const char *text)
{
    static const char *const marks[] = {"NA",      "<NA>", "#N/A", "N/A", "NULL", "None",
                                        "missing", "?",    "-",    ".",   "*"};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (strcasecmp(text, marks[i]) == 0)
            return true;
    return false;
}

double csv_number(const struct csv_table *table, const char *text)
{
    double number = 0;
    enum csv_cell kind = csv_parse_cell(text, table->decimal_comma, &number);
    COTERIE_ASSERT(kind == CSV_NUMBER);
    return number;
}

long csv_missing_mark(const struct csv_table *table, size_t c)
{
    const struct csv_column *column = &table->column[c];
    long mark = -1;
    for (size_t i = 0; i < column->values.n; i++) {
        double number;
        enum csv_cell kind = csv_parse_cell(column->values.item[i], table->decimal_comma, &number);
        if (kind == CSV_NUMBER)
            continue;
        if (mark >= 0 || kind != CSV_TEXT || !csv_is_missing_mark(column->values.item[i]))
            return -1;
        mark = (long)i;
    }
    return column->values.n > 1 ? mark : -1;
}

/* The code of a cell that says "missing", if numbers are wanted; or -1, as that of an empty cell.
 */
static long mark_of(const struct csv_table *table, size_t c, bool wants_number)
{
    return wants_number && !table->column[c].number ? csv_missing_mark(table, c) : -1;
}

static bool may_have_gaps(const struct csv_table *table, size_t c, bool wants_number)
{
    const struct csv_column *column = &table->column[c];
    return column->n_missing + column->n_not_finite > 0 || mark_of(table, c, wants_number) >= 0;
}

/* Cells without a value: the first of them, and how many there are in how many rows. */
struct gaps {
    size_t row, column;
    size_t n_cells, n_rows;
};

static void add_column(const struct csv_table *table, size_t c, bool wants_number, bool *in_row,
                       struct gaps *gaps)
{
    const struct csv_column *column = &table->column[c];
    long mark = mark_of(table, c, wants_number);
    for (size_t row = 0; row < table->n_rows; row++) {
        if (column->number ? isfinite(column->number[row])
                           : column->code[row] >= 0 && column->code[row] != mark)
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
    if (!column->number && column->code[gaps->row] >= 0)
        snprintf(what, sizeof what, "the value is missing ('%s')",
                 csv_printable(column->values.item[column->code[gaps->row]], shown));
    else if (column->n_not_finite > 0 && gaps->row == column->first_not_finite)
        snprintf(what, sizeof what, "'%s' is not a finite number", column->not_finite);
    if (gaps->n_cells > 1)
        snprintf(all, sizeof all, ", the first of %zu such cells in %zu of the %zu rows",
                 gaps->n_cells, gaps->n_rows, table->n_rows);
    return status_set(STATUS_USAGE, "%s, line %zu, column '%s': %s%s; %s", table->path,
                      table->line[gaps->row], table->names.item[gaps->column], what, all,
                      gaps->n_cells == 1
                          ? "fill it in or remove the line"
                          : "fill them in, remove the rows, or leave columns out with --exclude "
                            "(coterie inspect counts by column)");
}

status csv_need_values(const struct csv_table *table, const size_t *columns, size_t n,
                       size_t n_numbers)
{
    struct gaps gaps = {0};
    bool any = false, *in_row = NULL;
    for (size_t i = 0; i < n; i++)
        any = any || may_have_gaps(table, columns[i], i < n_numbers);
    if (!any)
        return STATUS_OK;
    status outcome = memory_alloc(&in_row, table->n_rows, sizeof *in_row, "rows without values");
    for (size_t i = 0; i < n && outcome == STATUS_OK; i++)
        if (may_have_gaps(table, columns[i], i < n_numbers))
            add_column(table, columns[i], i < n_numbers, in_row, &gaps);
    memory_free(&in_row);
    return outcome == STATUS_OK ? say_gaps(table, &gaps) : outcome;
}

status csv_need_numbers(const struct csv_table *table, size_t c)
{
    const struct csv_column *column = &table->column[c];
    char shown[CSV_SHOWN];
    if (column->number)
        return STATUS_OK;
    size_t row = column->first_text_row;
    const char *cell = column->values.item[column->code[row]];
    return status_set(
        STATUS_USAGE, "%s, %s %zu, column '%s': '%s' is not a number, but numbers are needed here",
        table->path, table->line ? "line" : "row", table->line ? table->line[row] : row,
        table->names.item[c], csv_printable(cell, shown));
}
