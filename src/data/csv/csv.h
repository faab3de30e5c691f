/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_DATA_CSV_H
#define COTERIE_DATA_CSV_H

#include "base/status.h"
#include "base/string_list.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A text table in memory, by columns. The first row names them; quotes, all line ends, a byte-order
 * mark, remarks (#) and a line "sep=;" are accepted. Cells are separated by commas, semicolons,
 * tabs, bars or blanks, whichever fits the rows; but with commas numbers may have a decimal comma.
 * A column is text if it holds a cell that is no number; numbers in another notation (4,175; 8
 * %; 8.0D-01) are numbers if all cells of the column say so, which `notes` tells. All functions are
 * Local.
 *
 * Missing are empty cells; NA, NaN, NULL and the like without quotes; in a column of numbers all
 * that csv_is_missing_mark knows (csv_cell.h). A first column without a name, of row numbers or
 * names, is left out.
 *
 * Errors are STATUS_USAGE and name file, line (counted from 1) and column: a row with too few or
 * too many cells, a duplicate or empty column name, a first row that holds no names, no row at all.
 * Cells without a value, and infinite numbers, are counted: they are errors only in columns that
 * somebody needs, as is text where numbers are needed.
 */
enum { CSV_MOST_CATEGORIES = 32 }; /* different texts of a column that nobody names as an input */

struct csv_column {
    double *number; /* (n_rows); NAN where the cell is missing, infinite where it holds no
                       finite number; NULL for a text column */
    int32_t *code;  /* (n_rows), index into `values`, -1 where the cell is missing; NULL for
                       a column of numbers */
    struct string_list values; /* the different texts, in order of first appearance */
    size_t first_text_row;     /* of a text column: the first row whose cell is no number */
    size_t n_words;            /* likewise: cells that are no numbers */
    char *unsure;      /* a text column that may be numbers: why that is not sure; or NULL */
    bool has_spelling; /* of a column of numbers: the texts say more, csv_read_texts has them */
    bool has_zeros;    /* likewise: some begin with 0, as 007 does */
    size_t n_missing, first_missing; /* missing cells, and the row of the first */
    char *mark; /* what stands in the first of them that is not empty; NULL: there is none */
    size_t mark_row;
    size_t n_not_finite, first_not_finite; /* of a column of numbers, likewise */
    char *not_finite;                      /* that cell, as it can be shown; NULL: there is none */
    size_t place;                          /* of the column in the file, from 0 */
};

struct csv_table {
    char *path;
    size_t n_rows;
    char separator; /* , ; | a tab, or a blank for any number of blanks; 0: not from a file */
    struct string_list names;
    struct csv_column *column; /* (names.n) */
    size_t *line;              /* (n_rows): where each row begins; quoted cells may span lines;
                                  NULL for a table that is not from a file */
    struct string_list notes;  /* what was read otherwise than it is written: a sentence each */
};

status csv_read(const char *path, struct csv_table *table);
void csv_release(struct csv_table *table);
void csv_column_release(struct csv_column *column);

/*
 * The texts of column `c` of a table that was read from a file, as they are written there: *codes
 * (n_rows, allocated; -1: missing) into `texts`. STATUS_USAGE if the file has changed.
 */
status csv_read_texts(const struct csv_table *table, size_t c, int32_t **codes,
                      struct string_list *texts);

/* STATUS_USAGE, naming file, line, column and the cell, if column `c` is text. */
status csv_need_numbers(const struct csv_table *table, size_t c);

/* Whether a cell of column `c` has no value, or none that is finite. */
bool csv_is_gap(const struct csv_table *table, size_t c, size_t row);

/* STATUS_USAGE, naming file, line, column and the cell, if one of column `c` is not finite. */
status csv_need_finite(const struct csv_table *table, size_t c);

/*
 * STATUS_USAGE if a cell of these columns has no value, or none that is finite: file, line and
 * column of the first, and how many there are.
 */
status csv_need_values(const struct csv_table *table, const size_t *columns, size_t n);

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
