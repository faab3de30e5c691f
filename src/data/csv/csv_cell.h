/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_DATA_CSV_CELL_H
#define COTERIE_DATA_CSV_CELL_H

#include <stdbool.h>

enum { CSV_SHOWN = 48 };

/* A cell as it can stand in a message of one line: shortened, without control characters. */
const char *csv_printable(const char *cell, char text[CSV_SHOWN]);

enum csv_cell { CSV_NUMBER, CSV_NOT_FINITE, CSV_TEXT };

/* The number that a cell holds, correctly rounded; "1,5" is one if decimal_comma. */
enum csv_cell csv_parse_cell(const char *cell, bool decimal_comma, double *number);

/* Whether a text is whole letters of UTF-8 (RFC 3629). */
bool csv_is_utf8(const char *text);

#endif
