/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_DATA_CSV_HEADER_H
#define COTERIE_DATA_CSV_HEADER_H

#include "csv_rows.h"

/*
 * The first rows of a file, split in a way that is tried. `row` 0 is the header, if there is one.
 */
enum { CSV_SAMPLE_ROWS = 100 };
struct csv_sample {
    char *bytes; /* owned */
    size_t n;
    struct csv_row row[CSV_SAMPLE_ROWS];
    size_t line[CSV_SAMPLE_ROWS];
};

/*
 * STATUS_USAGE if the first row is like those below it, and so holds no names. *sure: it does hold
 * some, since words stand above numbers.
 */
status csv_header_check(const char *path, const struct csv_sample *sample,
                        const struct csv_layout *layout, bool *sure);

#endif
