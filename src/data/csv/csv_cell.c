/* SPDX-License-Identifier: BSD-3-Clause */
#include "data/csv/csv_cell.h"

#include <ctype.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *csv_printable(const char *cell, char text[CSV_SHOWN])
{
    snprintf(text, CSV_SHOWN, "%s", cell);
    if (strlen(cell) >= CSV_SHOWN) {
        size_t end = CSV_SHOWN - 4;
        while (end > 0 && ((unsigned char)text[end] & 0xC0) == 0x80) /* not inside a letter */
            end--;
        strcpy(text + end, "...");
    }
    for (char *c = text; *c; c++)
        if (iscntrl((unsigned char)*c))
            *c = '?';
    return text;
}

/*
 * Most cells: up to 15 digits, a point among them. Digits and power of ten are exact in double
 * then, and one division rounds their quotient correctly (Clinger 1990). False: strtod is to be
 * asked.
 */
static bool parse_decimal(const char *cell, double *number)
{
    static const double power[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                   1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                   1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    const char *at = cell + (*cell == '-');
    uint64_t digits = 0;
    size_t n_digits = 0, n_significant = 0, n_decimals = 0;
    bool after_point = false;
    for (;; at++) {
        unsigned digit = (unsigned)*at - '0';
        if (digit > 9 && (*at != '.' || after_point))
            break;
        if (digit > 9) {
            after_point = true;
            continue;
        }
        digits = 10 * digits + digit;
        n_digits++;
        n_significant += digits > 0;
        n_decimals += after_point;
    }
    if (*at || n_digits == 0 || n_significant > 15 || n_decimals > 22)
        return false;
    double value = (double)digits / power[n_decimals];
    *number = *cell == '-' ? -value : value;
    return true;
}

static enum csv_cell parse_with_point(const char *cell, double *number)
{
    char *end;
    if (parse_decimal(cell, number))
        return CSV_NUMBER;
    *number = strtod(cell, &end);
    /* strtod reads hexadecimal numbers too; in a table they are more likely names. */
    if (end == cell || *end || strpbrk(cell, "xX"))
        return CSV_TEXT;
    return isfinite(*number) ? CSV_NUMBER : CSV_NOT_FINITE;
}

enum csv_cell csv_parse_cell(const char *cell, bool decimal_comma, double *number)
{
    enum { LONGEST = 1100 }; /* a double written out in full needs 1077 */
    const char *comma = decimal_comma ? strchr(cell, ',') : NULL;
    if (!comma || strpbrk(cell, ".") || strchr(comma + 1, ',') || strlen(cell) >= LONGEST)
        return parse_with_point(cell, number);
    char with_point[LONGEST];
    strcpy(with_point, cell);
    with_point[comma - cell] = '.';
    return parse_with_point(with_point, number);
}

bool csv_is_utf8(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    while (*at) {
        size_t more = *at < 0x80 ? 0 : *at < 0xC2 ? 4 : *at < 0xE0 ? 1 : *at < 0xF0 ? 2 : 3;
        /* The second byte's range keeps out what is too long, surrogates, and what lies beyond. */
        unsigned least = *at == 0xE0 ? 0xA0 : *at == 0xF0 ? 0x90 : 0x80;
        unsigned most = *at == 0xED ? 0x9F : *at == 0xF4 ? 0x8F : 0xBF;
        if (more == 4 || *at > 0xF4 || (more > 0 && (at[1] < least || at[1] > most)))
            return false;
        for (size_t i = 2; i <= more; i++)
            if ((at[i] & 0xC0) != 0x80)
                return false;
        at += more + 1;
    }
    return true;
}
