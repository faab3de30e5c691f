/* SPDX-License-Identifier: BSD-3-Clause */
#include "csv_notation.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST = 1100, MOST_RUNS = 16, LONGEST_UNIT = 12 };

/* A sign between digits: which, and how many bytes it has. */
struct mark {
    char is;
    size_t length;
};

/* Blanks that do not break, thin ones, and a curved apostrophe are what they look like. */
static struct mark mark_at(const char *at)
{
    static const struct {
        const char *bytes;
        char is;
    } marks[] = {{",", ','},
                 {".", '.'},
                 {"'", '\''},
                 {" ", ' '},
                 {"\xC2\xA0", ' '},
                 {"\xE2\x80\xAF", ' '},
                 {"\xE2\x80\x89", ' '},
                 {"\xE2\x80\x99", '\''}};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        size_t length = strlen(marks[i].bytes);
        if (strncmp(at, marks[i].bytes, length) == 0)
            return (struct mark){marks[i].is, length};
    }
    return (struct mark){0, 0};
}

static const char *after_sign(const char *at)
{
    static const char minus[] = "\xE2\x88\x92"; /* U+2212 */
    if (strncmp(at, minus, sizeof minus - 1) == 0)
        return at + sizeof minus - 1;
    return at + (*at == '+' || *at == '-');
}

static const char *after_blanks(const char *at)
{
    for (struct mark mark = mark_at(at); mark.is == ' '; mark = mark_at(at))
        at += mark.length;
    return at;
}

static size_t currency_at(const char *at)
{
    static const char *const symbols[] = {
        "$",   "\xC2\xA3", "\xC2\xA5", "US$", "A$",  "C$",  "R$",  "HK$", "NZ$", "USD",
        "EUR", "GBP",      "CHF",      "JPY", "CNY", "INR", "CAD", "AUD", "NZD", "SEK",
        "NOK", "DKK",      "PLN",      "CZK", "HUF", "BRL", "MXN", "ZAR", "TRY", "KRW"};
    /* U+20A0 to U+20BF: the euro and all others that have a sign of their own. */
    if (at[0] == '\xE2' && at[1] == '\x82' && (unsigned char)at[2] >= 0xA0)
        return 3;
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++)
        if (strncmp(at, symbols[i], strlen(symbols[i])) == 0)
            return strlen(symbols[i]);
    return 0;
}

/* Runs of digits with one sign between each two. */
struct digits {
    size_t n;
    size_t run[MOST_RUNS]; /* their lengths; of the first and last also 0 */
    char mark[MOST_RUNS];  /* mark[i] stands before run[i] */
    bool begins_with_0;
    const char *end;
};

static bool read_digits(const char *at, struct digits *digits)
{
    *digits = (struct digits){.begins_with_0 = *at == '0'};
    for (;;) {
        if (digits->n == MOST_RUNS)
            return false;
        size_t length = strspn(at, "0123456789");
        digits->run[digits->n++] = length;
        at += length;
        struct mark mark = mark_at(at);
        const char *next = at + mark.length;
        bool digit = isdigit((unsigned char)*next);
        /* A blank or an apostrophe belongs to the number only between digits; so does all at an
         * end but for "5." */
        if (!mark.is || (!digit && (digits->n > 1 || mark.is == ' ' || mark.is == '\'')))
            break;
        if (length == 0 && digits->n > 1)
            return false;
        if (digits->n == MOST_RUNS)
            return false;
        digits->mark[digits->n] = mark.is;
        at = next;
    }
    digits->end = at;
    return digits->run[0] > 0 || (digits->n == 2 && digits->run[1] > 0);
}

/* Whether runs 0..last are groups: 1,234,567; or as in India 12,34,567. */
static bool are_groups(const struct digits *digits, size_t last)
{
    if (digits->run[0] < 1 || digits->run[0] > 3 || digits->run[last] != 3)
        return false;
    bool threes = true, twos = digits->run[0] <= 2 && digits->mark[1] == ',';
    for (size_t i = 1; i <= last; i++) {
        if (digits->mark[i] != digits->mark[1])
            return false;
        threes = threes && digits->run[i] == 3;
        twos = twos && (i == last || digits->run[i] == 2);
    }
    return threes || twos;
}

static bool judge_digits(const struct digits *digits, struct csv_spelling *spelling)
{
    size_t last = digits->n - 1;
    char mark = digits->mark[last];
    bool point = mark == ',' || mark == '.';
    spelling->is_whole = last == 0;
    if (last == 0)
        return true;
    if (last == 1 && point) {
        if (are_groups(digits, 1) && !digits->begins_with_0)
            spelling->unsure = mark;
        else
            spelling->decimal = mark;
        return true;
    }
    if (are_groups(digits, last)) {
        spelling->group = mark;
        spelling->is_whole = true;
        return true;
    }
    bool both = point && mark != digits->mark[1] && are_groups(digits, last - 1) && last >= 2;
    spelling->group = digits->mark[1];
    spelling->decimal = mark;
    return both;
}

/* What stands between a number and its exponent where that is written out; 0: something else. */
static size_t power_of_ten_at(const char *at)
{
    static const char *const times[] = {"\xC3\x97", "x", "X", "*", "\xC2\xB7"}; /* U+D7, U+B7 */
    const char *begin = at;
    if (strncmp(at, "*^", 2) == 0) /* Mathematica */
        return 2;
    at = after_blanks(at);
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        size_t length = strlen(times[i]);
        if (strncmp(at, times[i], length) != 0)
            continue;
        at = after_blanks(at + length);
        size_t raised = strncmp(at, "10^", 3) == 0 ? 3 : strncmp(at, "10**", 4) == 0 ? 4 : 0;
        return raised ? (size_t)(at + raised - begin) : 0;
    }
    return 0;
}

/*
 * An exponent, by e, Fortran's d or q, or as ten to a power; or, behind a fraction, only its sign
 * and three digits: Fortran drops the letter where there is no room for it, from 100 on.
 */
static const char *after_exponent(const char *at, bool has_fraction, struct csv_spelling *spelling)
{
    size_t power = power_of_ten_at(at);
    const char *sign = at + (power ? power : *at && strchr("eEdDqQ", *at) != NULL);
    const char *digits = sign + (*sign == '+' || *sign == '-');
    size_t n = strspn(digits, "0123456789");
    bool large = n == 3 && *digits >= '1' && *digits <= '3';
    if (sign > at ? n == 0 : !(has_fraction && digits > sign && large))
        return at;
    spelling->exponent = sign;
    return digits + n;
}

/* Letters and signs without a digit, or nothing; first what makes the number negative. */
static bool take_unit(const char *at, struct csv_spelling *spelling)
{
    if (spelling->in_brackets) {
        at = after_blanks(at);
        if (*at++ != ')')
            return false;
    } else if (*at == '-' && !spelling->is_negative) { /* SAP, COBOL */
        spelling->is_negative = true;
        at++;
    }
    at = after_blanks(at);
    size_t length = strlen(at);
    spelling->after = at;
    spelling->after_length = length;
    return length <= LONGEST_UNIT && *at != '/' && !strpbrk(at, "0123456789,.;:()[]-+ \t'\"?!<>=#");
}

/* Where the digits begin; notes a sign, the bracket of accountants, and a currency. */
static const char *after_start(const char *text, struct csv_spelling *spelling)
{
    spelling->in_brackets = *text == '(';
    const char *begin = text + spelling->in_brackets, *at = after_sign(begin), *sign = begin;
    bool has_sign = at > begin;
    spelling->before = at;
    spelling->before_length = currency_at(at);
    if (spelling->before_length > 0) {
        sign = has_sign ? begin : after_blanks(at + spelling->before_length);
        at = after_blanks(at + spelling->before_length);
        at = has_sign ? at : after_sign(at);
    }
    spelling->is_negative = spelling->in_brackets || *sign == '-' || *sign == '\xE2';
    return at;
}

/* 2024Q1 is no 20240. */
static bool is_quarter(const struct digits *digits)
{
    const char *at = digits->end;
    return digits->n == 1 && digits->run[0] == 4 && (*at == 'Q' || *at == 'q') && at[1] >= '1' &&
           at[1] <= '4' && !at[2];
}

struct csv_spelling csv_spelling_of(const char *text)
{
    struct csv_spelling spelling = {0};
    struct digits digits;
    if (strlen(text) >= LONGEST)
        return spelling;
    spelling.digits = after_start(text, &spelling);
    bool twice = spelling.in_brackets && spelling.digits > text + 1 && strchr("+-", text[1]);
    if (twice || !read_digits(spelling.digits, &digits) || !judge_digits(&digits, &spelling))
        return (struct csv_spelling){0};
    if (is_quarter(&digits))
        return (struct csv_spelling){0};
    const char *end = after_exponent(digits.end, digits.n > 1 && !spelling.group, &spelling);
    if (end > digits.end && spelling.group && !spelling.decimal)
        return (struct csv_spelling){0};
    if (end > digits.end && spelling.unsure) {
        spelling.decimal = spelling.unsure;
        spelling.unsure = 0;
    }
    spelling.is_whole = spelling.is_whole && end == digits.end;
    spelling.is_number = take_unit(end, &spelling);
    return spelling;
}

double csv_spelling_value(const char *text, char group)
{
    char plain[LONGEST + 8], *to = plain;
    const struct csv_spelling spelling = csv_spelling_of(text);
    const char *at = spelling.digits;
    if (!at)
        return NAN;
    if (spelling.is_negative)
        *to++ = '-';
    for (;;) {
        struct mark mark = mark_at(at);
        if (isdigit((unsigned char)*at)) {
            *to++ = *at++;
        } else if ((mark.is == ',' || mark.is == '.') && mark.is != group) {
            *to++ = '.';
            at++;
        } else if (mark.is && isdigit((unsigned char)at[mark.length])) {
            at += mark.length;
        } else {
            break;
        }
    }
    if (spelling.exponent) {
        size_t length = 1 + strspn(spelling.exponent + 1, "0123456789");
        *to++ = 'e';
        memcpy(to, spelling.exponent, length);
        to += length;
    }
    *to = '\0';
    return strtod(plain, NULL);
}

void csv_signs_add(struct csv_signs *signs, const struct csv_spelling *spelling)
{
    signs->comma_decimal += spelling->decimal == ',';
    signs->comma_group += spelling->group == ',';
    signs->comma_unsure += spelling->unsure == ',';
    signs->point_decimal += spelling->decimal == '.';
    signs->point_group += spelling->group == '.';
    signs->point_unsure += spelling->unsure == '.';
}

void csv_signs_add_all(struct csv_signs *signs, const struct csv_signs *more)
{
    signs->comma_decimal += more->comma_decimal;
    signs->comma_group += more->comma_group;
    signs->comma_unsure += more->comma_unsure;
    signs->point_decimal += more->point_decimal;
    signs->point_group += more->point_group;
    signs->point_unsure += more->point_unsure;
}

static char group_of_commas(const struct csv_signs *column, const struct csv_signs *file,
                            bool commas_separate, bool all_unsure, bool *unsure)
{
    if (column->comma_decimal > 0)
        return 0;
    if (column->point_decimal > 0)
        return ',';
    if (file->comma_decimal > 0)
        return 0;
    if (file->point_decimal > 0 || commas_separate)
        return ',';
    *unsure = !all_unsure;
    return 0;
}

static char group_of_points(const struct csv_signs *column, const struct csv_signs *file,
                            bool *unsure)
{
    bool commas = file->comma_decimal > 0;
    *unsure = commas && column->point_decimal > 0;
    return commas && column->point_decimal == 0 ? '.' : 0;
}

char csv_signs_group(const struct csv_signs *column, const struct csv_signs *file,
                     bool commas_separate, bool all_unsure, bool *unsure)
{
    *unsure = (column->comma_group > 0 && column->comma_decimal > 0) ||
              (column->point_group > 0 && column->point_decimal > 0) ||
              (column->comma_group > 0 && column->point_group > 0);
    if (*unsure)
        return 0;
    if (column->comma_group > 0 || column->point_group > 0)
        return column->comma_group > 0 ? ',' : '.';
    if (column->comma_unsure > 0)
        return group_of_commas(column, file, commas_separate, all_unsure, unsure);
    return column->point_unsure > 0 ? group_of_points(column, file, unsure) : 0;
}
