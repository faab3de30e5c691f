/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_DATA_CSV_CELL_H
#define COTERIE_DATA_CSV_CELL_H

#include <stdbool.h>
#include <stddef.h>

enum { CSV_SHOWN = 48 };

/* A cell as it can stand in a message of one line: shortened, control characters written out. */
const char *csv_printable(const char *cell, char text[CSV_SHOWN]);

enum csv_cell { CSV_NUMBER, CSV_NOT_FINITE, CSV_TEXT };

/* The number that a cell holds, correctly rounded; "1,5" is one if decimal_comma. */
enum csv_cell csv_parse_cell(const char *cell, bool decimal_comma, double *number);

/* Whether it is a number in any notation: 4,175, 8 %, 8.0D-01. */
bool csv_is_number_like(const char *cell);

/* Digits that say more than their number: 007, or more of them than a double tells apart. */
bool csv_is_code(const char *cell, size_t length);

/* What programs write for a missing value wherever they write it without quotes: NA, NaN, NULL. */
bool csv_is_missing_word(const char *cell);

/* What R, pandas, spreadsheets and others write for a number that is missing: "NA", "?", ... */
bool csv_is_missing_mark(const char *text);

/* How comments begin in other programs, if the cell begins so: %, //, ! and the like; or NULL. */
const char *csv_comment_mark(const char *cell);

/* Whether a text is whole letters of UTF-8 (RFC 3629). */
bool csv_is_utf8(const char *text);

#endif
