/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_DATA_CSV_ROWS_H
#define COTERIE_DATA_CSV_ROWS_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * The rows of a text table, one after the other, without knowledge of what is in them. libcsv,
 * which did this before, does not tell a quoted cell from another, and knows no blanks as
 * separators and no remarks. Private to data/csv; Local.
 */
struct csv_cell_text {
    char *text;    /* ends in a NUL; without quotes, and without blanks around them or a quantity */
    size_t length; /* as it was: a shorter text holds a NUL */
    bool quoted;
};

/* How rows are written; csv_layout_find finds it out. */
struct csv_layout {
    char separator;         /* , ; | a tab, or a blank: any number of blanks and tabs */
    size_t skip;            /* bytes before the first row: a byte-order mark, a line "sep=;" */
    size_t first_line;      /* the line that begins there, from 1 */
    bool has_remarks;       /* lines that begin with # are none of the table */
    size_t header_line;     /* the remark that is the header, or 0 */
    bool lone_returns;      /* lines end in a carriage return only */
    bool lacks_name;        /* the header has no cell for the first column, as R writes it */
    bool ends_in_separator; /* so do rows, but not the header */
};

/* Whether a line of `length` bytes is a remark: begins with #, but not with #N/A or its like. */
bool csv_is_remark(const char *line, size_t length);

enum csv_row_kind {
    CSV_ROW,
    CSV_ROW_BLANK,
    CSV_ROW_REMARK,
    CSV_ROW_PART,         /* its end is not there yet */
    CSV_ROW_QUOTE_INSIDE, /* a quote in a cell that has none around it */
    CSV_ROW_QUOTE_OPEN    /* and never closed */
};

struct csv_row {
    struct csv_cell_text *cell; /* (n), owned; the texts lie in the bytes it was split from */
    size_t n, capacity;
    size_t size;    /* bytes, with the line end */
    size_t n_lines; /* line ends among them */
    status outcome; /* STATUS_FAILED: no memory for the cells */
};

/*
 * Splits the row that begins at `at`, in place; *end must be writable. is_last: nothing follows
 * `end`. is_header: a remark is the header, and its # is skipped. Leaves CSV_ROW_PART untouched.
 */
enum csv_row_kind csv_row_split(struct csv_row *row, const struct csv_layout *layout, char *at,
                                char *end, bool is_last, bool is_header);
void csv_row_release(struct csv_row *row);

#endif
