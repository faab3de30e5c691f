/* SPDX-License-Identifier: BSD-3-Clause */
#include "data/csv/csv_cell.h"
#include "csv_notation.h"

#include <ctype.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *csv_printable(const char *cell, char text[CSV_SHOWN])
{
    size_t used = 0;
    for (; *cell; cell++) {
        char letter[8];
        unsigned char byte = (unsigned char)*cell;
        snprintf(letter, sizeof letter,
                 byte == '\n'    ? "\\n"
                 : iscntrl(byte) ? "\\x%02x"
                                 : "%c",
                 byte);
        if (used + strlen(letter) + 4 > CSV_SHOWN)
            break;
        used += (size_t)sprintf(text + used, "%s", letter);
    }
    text[used] = '\0';
    if (*cell) {
        while (used > 0 && ((unsigned char)*cell & 0xC0) == 0x80) { /* not inside a letter */
            cell--;
            used--;
        }
        strcpy(text + used, "...");
    }
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

/* What Microsoft's C library writes, with zeros behind it where there is room. */
static bool is_of_windows(const char *cell, const char *what)
{
    size_t length = strlen(what);
    cell += *cell == '+' || *cell == '-';
    return strncmp(cell, "1.#", 3) == 0 && strncmp(cell + 3, what, length) == 0 &&
           !cell[3 + length + strspn(cell + 3 + length, "0")];
}

/* NAN, -nan(ind), nan(0x7ff80) */
static bool is_nan(const char *cell)
{
    cell += *cell == '+' || *cell == '-';
    return strncasecmp(cell, "nan", 3) == 0 &&
           (!cell[3] || (cell[3] == '(' && cell[strlen(cell) - 1] == ')'));
}

static enum csv_cell parse_with_point(const char *cell, double *number)
{
    char *end;
    if (parse_decimal(cell, number))
        return CSV_NUMBER;
    if (is_of_windows(cell, "INF"))
        return CSV_NOT_FINITE;
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

bool csv_is_number_like(const char *cell)
{
    double number;
    return csv_parse_cell(cell, false, &number) != CSV_TEXT || csv_spelling_of(cell).is_number;
}

bool csv_is_code(const char *cell, size_t length)
{
    enum { SAFE = 15 };
    cell += *cell == '-';
    bool leading = cell[0] == '0' && cell[1];
    return (leading || length > SAFE) && !cell[strspn(cell, "0123456789")];
}

bool csv_is_missing_word(const char *cell)
{
    static const char *const words[] = {"NA", "<NA>", "N/A", "n/a", "#N/A", "NULL", "null", "\\N"};
    if (!strchr("Nn<#-+\\", *cell))
        return false;
    if (is_nan(cell))
        return true;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(cell, words[i]) == 0)
            return true;
    return false;
}

bool csv_is_missing_mark(const char *text)
{
    static const char *const marks[] = {
        "",     "NA",   "<NA>", "N/A",     "#N/A",    "NULL",  "\\N",     "?",      "-",
        "--",   ".",    "..",   "...",     "*",       "None",  "missing", "(null)", "nil",
        "n.a.", "(NA)", "#NA",  "#VALUE!", "#DIV/0!", "#REF!", "#NUM!",   "#NULL!", "#NAME?"};
    static const char *const of_windows[] = {"IND", "QNAN", "SNAN", "NAN"};
    for (size_t i = 0; i < sizeof of_windows / sizeof *of_windows; i++)
        if (is_of_windows(text, of_windows[i]))
            return true;
    if (is_nan(text))
        return true;
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (strcasecmp(text, marks[i]) == 0)
            return true;
    return false;
}

const char *csv_comment_mark(const char *cell)
{
    /* MATLAB and LaTeX, C, Fortran, SQL and Lua, INI files, SAS and SPSS; # in quotes */
    static const char *const marks[] = {"%", "//", "/*", "!", "--", ";", "*", "#"};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (strncmp(cell, marks[i], strlen(marks[i])) == 0)
            return marks[i];
    return NULL;
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
