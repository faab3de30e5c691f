#ifndef COTERIE_DATA_CSV_H
#define COTERIE_DATA_CSV_H

#include "coterie/base/status.h"
#include "coterie/base/string_list.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A CSV file in memory, by columns. Header row; quotes, CRLF and a byte-order mark are accepted.
 * Cells are separated by commas; where the header has none by semicolons, and then numbers may have
 * a decimal comma; or by tabs. A column is text if it holds at least one cell that is not a number,
 * else numbers. All functions are Local.
 *
 * Errors are STATUS_USAGE and name file, line (counted from 1, the header's is 1) and column: a
 * missing value, a row with too few or too many cells, a non-finite number (nan, inf, overflow), a
 * duplicate or empty column name, no row at all. Text among numbers in a column that the caller
 * needs as numbers is reported by csv_need_numbers with the line of the first such cell.
 */
struct csv_column {
    double *number;            /* (n_rows); NULL for a text column */
    int32_t *code;             /* (n_rows), index into `values`; NULL for a column of numbers */
    struct string_list values; /* the different texts, in order of first appearance */
    size_t first_text_row;     /* of a text column: the first row whose cell is not a number */
};

struct csv_table {
    char *path;
    size_t n_rows;
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
 * Writing, for predictions and convert. Text is quoted where needed; numbers have 17 (9) digits.
 * STATUS_USAGE if `path` exists, STATUS_FAILED if it cannot be made or written.
 */
struct csv_writer;
status csv_writer_create(const char *path, struct csv_writer **out);
status csv_writer_text(struct csv_writer *writer, const char *text);
status csv_writer_double(struct csv_writer *writer, double number);
status csv_writer_end_row(struct csv_writer *writer);
/* Flushes, fsyncs and closes. Sets *writer to NULL. */
status csv_writer_close(struct csv_writer **writer);

#endif
