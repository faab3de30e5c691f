/* SPDX-License-Identifier: BSD-3-Clause */
#include "data/csv/csv_odd.h"

#include "data/csv/csv_cell.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

/*
 * Where a text that begins with this pattern goes on; NULL: it does not. 9 is one or two digits, 2
 * two, 3 three, Y four, D one or more, A three to nine letters; all others are themselves.
 */
static const char *after(const char *text, const char *pattern)
{
    static const struct {
        char mark;
        bool is_letters;
        size_t least, most;
    } marks[] = {{'9', false, 1, 2}, {'2', false, 2, 2},   {'Y', false, 4, 4},
                 {'3', false, 3, 3}, {'D', false, 1, 400}, {'A', true, 3, 9}};
    for (; *pattern; pattern++) {
        size_t m = 0, length = 0;
        while (m < sizeof marks / sizeof *marks && marks[m].mark != *pattern)
            m++;
        if (m == sizeof marks / sizeof *marks) {
            if (*text++ != *pattern)
                return NULL;
            continue;
        }
        while (marks[m].is_letters ? isalpha((unsigned char)text[length])
                                   : isdigit((unsigned char)text[length]))
            length++;
        if (length < marks[m].least || length > marks[m].most)
            return NULL;
        text += length;
    }
    return text;
}

static const char *after_one_of(const char *text, const char *const *patterns)
{
    const char *end = NULL;
    for (; *patterns && !end; patterns++)
        end = after(text, *patterns);
    return end;
}

/* With a fraction, AM or PM, and a zone: Z, +01:00, UTC. */
static const char *after_time(const char *text)
{
    static const char *const times[] = {"9:2:2.D", "9:2:2,D", "9:2:2", "9:2", NULL};
    static const char *const zones[] = {"Z", "+9:2", "-9:2", "+Y", "-Y", "UTC", "GMT", NULL};
    static const char *const halves[] = {"AM", "PM", "am", "pm", "a.m.", "p.m.", NULL};
    const char *end = after_one_of(text, times);
    if (!end)
        return NULL;
    const char *half = after_one_of(end + (*end == ' '), halves);
    end = half ? half : end;
    const char *zone = after_one_of(end + (*end == ' '), zones);
    return zone ? zone : end;
}

/* 2024-05; but 2019-20 is a season. */
static bool is_month(const char *text)
{
    const char *end = after(text, "Y-2");
    return end && !*end && (text[5] == '0' ? text[6] > '0' : text[5] == '1' && text[6] <= '2');
}

static bool is_date(const char *text)
{
    static const char *const dates[] = {"Y-9-9", "Y/9/9", "Y.9.9", "9-9-Y",  "9/9/Y", "9.9.Y",
                                        "9/9/2", "9.9.2", "9-A-Y", "9-A-9",  "9 A Y", "9. A Y",
                                        "9/A/Y", "Y-A-9", "A 9 Y", "A 9, Y", "YQ9",   "Yq9",
                                        "Y-Q9",  "Q9 Y",  "Q9/Y",  NULL};
    const char *end = after_one_of(text, dates);
    if (end && (*end == 'T' || *end == ' ')) {
        const char *time = after_time(end + 1);
        end = time ? time : end;
    }
    return (end && !*end) || is_month(text);
}

static bool is_time(const char *text)
{
    const char *end = after_time(text);
    return end && !*end;
}

static const char *after_sign(const char *text)
{
    return text + (*text == '+' || *text == '-');
}

static bool is_hexadecimal(const char *text)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    text = after_sign(text);
    if (text[0] != '0' || (text[1] != 'x' && text[1] != 'X'))
        return false;
    text += 2;
    size_t whole = strspn(text, digits), fraction = 0;
    text += whole;
    if (*text == '.') {
        fraction = strspn(text + 1, digits);
        text += 1 + fraction;
    }
    if (*text == 'p' || *text == 'P') {
        const char *end = after(after_sign(text + 1), "D");
        text = end ? end : text;
    }
    return whole + fraction > 0 && !*text;
}

static bool is_underscored(const char *text)
{
    text = after_sign(text);
    size_t first = strspn(text, "0123456789");
    text += first;
    const char *next = after(text, "_3");
    if (first < 1 || first > 3 || !next)
        return false;
    while (next) {
        text = next;
        next = after(text, "_3");
    }
    return !*text;
}

/* A plain number without an exponent that the text begins with; NULL: none. */
static const char *after_number(const char *text)
{
    static const char *const numbers[] = {"D.D", "D,D", "D", ".D", NULL};
    return after_one_of(after_sign(text), numbers);
}

static const char *after_exponent(const char *text)
{
    const char *end = *text == 'e' || *text == 'E' ? after(after_sign(text + 1), "D") : NULL;
    return end ? end : text;
}

static bool has_uncertainty(const char *text)
{
    static const char *const signs[] = {"\xC2\xB1", "+/-", "+-", NULL};
    const char *end = after_number(text);
    if (!end)
        return false;
    const char *in_brackets = after(end, "(D)");
    if (in_brackets)
        return !*after_exponent(in_brackets);
    end = after_exponent(end);
    end = after_one_of(end + strspn(end, " "), signs);
    end = end ? after_number(end + strspn(end, " ")) : NULL;
    return end && !*after_exponent(end);
}

static bool is_complex(const char *text)
{
    text += *text == '(';
    const char *end = after_number(text);
    end = end ? after_exponent(end) : NULL;
    end = end ? end + strspn(end, " ") : NULL;
    if (!end || (*end != '+' && *end != '-'))
        return false;
    end = after_number(end + 1 + strspn(end + 1, " "));
    end = end ? after_exponent(end) : NULL;
    if (!end || (*end != 'i' && *end != 'j'))
        return false;
    end++;
    return !*(end + (*end == ')'));
}

/* What a laboratory writes for less than it can measure. */
static bool is_bound(const char *text)
{
    static const char *const signs[] = {"<=", ">=", "<", ">", "\xE2\x89\xA4", "\xE2\x89\xA5", NULL};
    const char *end = after_one_of(text, signs);
    end = end ? after_number(end + strspn(end, " ")) : NULL;
    return end && !*after_exponent(end);
}

const char *csv_odd_kind(const char *text)
{
    static const struct {
        bool (*is)(const char *text);
        const char *kind;
    } kinds[] = {{is_date, "dates"},
                 {is_time, "times"},
                 {is_hexadecimal, "hexadecimal numbers"},
                 {is_underscored, "numbers with underscores"},
                 {has_uncertainty, "numbers with their uncertainty"},
                 {is_complex, "complex numbers"},
                 {is_bound, "bounds"}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].is(text))
            return kinds[i].kind;
    return NULL;
}

const char *csv_odd_kind_of_all(const struct string_list *texts, const char **example)
{
    const char *kind = NULL;
    for (size_t i = 0; i < texts->n; i++) {
        const char *text = texts->item[i], *own = csv_odd_kind(text);
        if ((own && kind && own != kind) || (!own && !csv_is_number_like(text)))
            return NULL;
        if (own && !kind)
            *example = text;
        kind = own ? own : kind;
    }
    return kind;
}

bool csv_is_date_number(double number)
{
    static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (!(number >= 19000101 && number <= 21001231) || number != rint(number))
        return false;
    int month = (int)fmod(floor(number / 100), 100), day = (int)fmod(number, 100);
    return month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1];
}
