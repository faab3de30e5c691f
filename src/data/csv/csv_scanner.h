/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_DATA_CSV_SCANNER_H
#define COTERIE_DATA_CSV_SCANNER_H

#include "csv_layout.h"

#include <stdio.h>

/* The rows of a file, read in blocks. Private to data/csv; Local. */
struct csv_scanner {
    const char *path; /* not owned */
    FILE *file;
    char *buffer; /* (capacity + 1) */
    size_t capacity, begin, end;
    bool at_end; /* the file's end is in the buffer */
    bool has_layout, has_header;
    struct csv_layout layout;
    struct csv_row row;
    size_t line;       /* where the next row begins, */
    size_t row_line;   /* and the present one */
    size_t blank_line; /* the first blank line behind the header; 0: none */
    size_t n_remarks, first_remark;
};

/* layout NULL: found by the beginning of the file. */
status csv_scanner_open(struct csv_scanner *scanner, const char *path,
                        const struct csv_layout *layout);

/* The next row that is part of the table, the header first; *more is false behind the last. */
status csv_scanner_next(struct csv_scanner *scanner, bool *more);

void csv_scanner_close(struct csv_scanner *scanner);

#endif
