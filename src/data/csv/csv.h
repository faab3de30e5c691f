/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_DATA_CSV_H
#define COTERIE_DATA_CSV_H

#include "base/status.h"
#include "base/string_list.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A CSV file in memory, by columns. Header row; quotes, CRLF and a byte-order mark are accepted.
 * Cells are separated by commas; where the header has none by semicolons, and then numbers may have
 * a decimal comma; or by tabs. A column is text if it holds at least one cell that is not a number,
 * else numbers. All functions are Local.
 *
 * Errors are STATUS_USAGE and name file, line (counted from 1, the header's is 1) and column: a row
 * with too few or too many cells, a duplicate or empty column name, no row at all. Cells without a
 * value, and non-finite numbers (nan, inf, overflow), are counted: they are errors only in columns
 * that somebody needs, as is text where numbers are needed.
 */
struct csv_column {
    double *number; /* (n_rows); NAN where the cell is empty, infinite where it holds no
                       finite number; NULL for a text column */
    int32_t *code;  /* (n_rows), index into `values`, -1 where the cell is empty; NULL for
                       a column of numbers */
    struct string_list values; /* the different texts, in order of first appearance */
    size_t first_text_row;     /* of a text column: the first row whose cell is not a number */
    size_t n_missing, first_missing;       /* empty cells, and the row of the first */
    size_t n_not_finite, first_not_finite; /* of a column of numbers, likewise */
    char *not_finite;                      /* that cell, as it can be shown; NULL: there is none */
};

struct csv_table {
    char *path;
    size_t n_rows;
    bool decimal_comma; /* numbers may be written so */
    struct string_list names;
    struct csv_column *column; /* (names.n) */
    size_t *line;              /* (n_rows): where each row begins; quoted cells may span lines;
                                  NULL for a table that is not from a file */
};

status csv_read(const char *path, struct csv_table *table);
void csv_release(struct csv_table *table);

/* STATUS_USAGE, naming file, line, column and the cell, if column `c` is text. */
status csv_need_numbers(const struct csv_table *table, size_t c);

/*
 * STATUS_USAGE if a cell of these columns has no value, or none that is finite: file, line and
 * column of the first, and how many there are. In the first n_numbers columns, which are needed as
 * numbers, a cell that says so ("NA") counts as well.
 */
status csv_need_values(const struct csv_table *table, const size_t *columns, size_t n,
                       size_t n_numbers);

/* The number that a text is in this table, which it must be. */
double csv_number(const struct csv_table *table, const char *text);

/* What R, pandas, spreadsheets and others write for a value that is missing: "NA", "?", ... */
bool csv_is_missing_mark(const char *text);

/* Index into a text column's values of such a mark, if all others are numbers; else -1. */
long csv_missing_mark(const struct csv_table *table, size_t c);

/*
 * Writing, for predictions and convert. Text is quoted where needed; numbers have 17 digits,
 * so that they are read back to the last bit.
 * STATUS_USAGE if `path` exists, STATUS_FAILED if it cannot be made or written.
 */
struct csv_writer;
status csv_writer_create(const char *path, struct csv_writer **out);
status csv_writer_text(struct csv_writer *writer, const char *text);
status csv_writer_double(struct csv_writer *writer, double number);
status csv_writer_end_row(struct csv_writer *writer);
/* Flushes, fsyncs and closes. Sets *writer to NULL. */
status csv_writer_close(struct csv_writer **writer);
/* The same after the writing, whose failure stays the one that is told. */
status csv_writer_close_after(struct csv_writer **writer, status written);

#endif
