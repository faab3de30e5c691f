/* SPDX-License-Identifier: BSD-3-Clause */
#include "csv_rows.h"

#include "base/memory.h"
#include "data/csv/csv_cell.h"
#include "data/csv/csv_odd.h"

#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool separates(char c, char separator)
{
    return c == separator || (separator == ' ' && c == '\t');
}

bool csv_is_remark(const char *line, size_t length)
{
    static const char *const errors[] = {"#N/A",  "#NA",   "#VALUE!", "#DIV/0!",
                                         "#REF!", "#NUM!", "#NULL!",  "#NAME?"};
    if (length == 0 || *line != '#')
        return false;
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        size_t n = strlen(errors[i]);
        if (length >= n && memcmp(line, errors[i], n) == 0)
            return false;
    }
    return true;
}

/* Where the text of the row ends, before its line end; NULL: not in these bytes. */
static char *find_end(struct csv_row *row, const struct csv_layout *layout, char *at, char *end,
                      bool is_last, bool *open)
{
    bool quoted = false, at_start = true;
    char *p = at;
    for (; p < end; p++) {
        bool line_end = *p == '\n' || (*p == '\r' && (p + 1 == end || p[1] != '\n'));
        if (*p == '\r' && p + 1 == end && !is_last)
            return NULL; /* half a line end, perhaps */
        row->n_lines += line_end;
        if (quoted) {
            if (*p == '"' && p + 1 == end && !is_last)
                return NULL; /* half a doubled quote, perhaps */
            if (*p == '"' && p + 1 < end && p[1] == '"')
                p++;
            else
                quoted = *p != '"';
        } else if (*p == '"' && at_start) {
            quoted = true;
            at_start = false;
        } else if (line_end || *p == '\r') {
            row->n_lines += !line_end;
            return p;
        } else {
            at_start = separates(*p, layout->separator) || (at_start && is_blank(*p));
        }
    }
    *open = quoted && is_last;
    return is_last ? end : NULL;
}

/* The same for most rows, which hold no quote; all of a remark. */
static char *find_line_end(struct csv_row *row, char *at, char *end, bool is_last)
{
    char *newline = memchr(at, '\n', (size_t)(end - at));
    if (!newline && !is_last)
        return NULL;
    row->n_lines = newline != NULL;
    char *stop = newline ? newline : end;
    return stop > at && stop[-1] == '\r' ? stop - 1 : stop;
}

static char *find_row_end(struct csv_row *row, const struct csv_layout *layout, char *at, char *end,
                          bool is_last, bool is_remark, bool *open)
{
    if (!layout->lone_returns) {
        char *stop = find_line_end(row, at, end, is_last);
        size_t length = stop ? (size_t)(stop - at) : 0;
        if (!stop && (is_remark || !memchr(at, '"', (size_t)(end - at))))
            return NULL;
        if (stop && (is_remark || (!memchr(at, '"', length) && !memchr(at, '\r', length))))
            return stop;
        row->n_lines = 0;
    }
    return find_end(row, layout, at, end, is_last, open);
}

static bool add_cell(struct csv_row *row, char *text, size_t length, bool quoted)
{
    if (row->n == row->capacity) {
        size_t capacity = row->capacity ? 2 * row->capacity : 16;
        row->outcome =
            memory_grow(&row->cell, row->n, capacity, sizeof *row->cell, "cells of a row");
        if (row->outcome != STATUS_OK)
            return false;
        row->capacity = capacity;
    }
    text[length] = '\0';
    row->cell[row->n++] = (struct csv_cell_text){text, length, quoted};
    return true;
}

/*
 * Blanks around a quantity or a missing mark are there to line cells up, as R's format() writes
 * them: "   12.5". Other texts keep theirs.
 */
static bool add_quoted(struct csv_row *row, char *text, size_t length)
{
    char *begin = text, *end = text + length;
    while (begin < end && is_blank(*begin))
        begin++;
    while (end > begin && is_blank(end[-1]))
        end--;
    bool is_padded = (size_t)(end - begin) < length;
    char last = *end;
    *end = '\0';
    if (is_padded &&
        (csv_is_missing_mark(begin) || csv_is_number_like(begin) || csv_odd_kind(begin)))
        return add_cell(row, begin, (size_t)(end - begin), true);
    *end = last;
    return add_cell(row, text, length, true);
}

/* Takes the quotes of a cell away. Returns what follows it; NULL: more than blanks, and no
 * separator.
 */
static char *split_quoted(struct csv_row *row, char *at, char *stop, char separator)
{
    char *to = at, *from = at + 1;
    while (from < stop && (*from != '"' || (from + 1 < stop && from[1] == '"'))) {
        from += *from == '"';
        *to++ = *from++;
    }
    for (from++; from < stop && is_blank(*from) && !separates(*from, separator);)
        from++;
    if (from < stop && !separates(*from, separator))
        return NULL;
    return add_quoted(row, at, (size_t)(to - at)) ? from : stop;
}

static char *split_plain(struct csv_row *row, char *at, char *stop, char separator, bool *quote)
{
    char *p = at;
    for (; p < stop && !separates(*p, separator); p++)
        *quote |= *p == '"';
    char *last = p;
    while (last > at && is_blank(last[-1]))
        last--;
    return add_cell(row, at, (size_t)(last - at), false) ? p : stop;
}

static enum csv_row_kind split(struct csv_row *row, char separator, char *at, char *stop)
{
    bool quote = false, blanks = separator == ' ';
    while (blanks && stop > at && is_blank(stop[-1]))
        stop--;
    for (;;) {
        while (at < stop && is_blank(*at) && (blanks || *at != separator))
            at++;
        at = at < stop && *at == '"' ? split_quoted(row, at, stop, separator)
                                     : split_plain(row, at, stop, separator, &quote);
        if (!at || quote)
            return CSV_ROW_QUOTE_INSIDE;
        if (at >= stop)
            return CSV_ROW;
        at++;
    }
}

enum csv_row_kind csv_row_split(struct csv_row *row, const struct csv_layout *layout, char *at,
                                char *end, bool is_last, bool is_header)
{
    bool open = false;
    char *first = at;
    row->n = row->n_lines = 0;
    row->outcome = STATUS_OK;
    while (first < end && is_blank(*first) && *first != layout->separator)
        first++;
    bool is_remark = layout->has_remarks && csv_is_remark(first, (size_t)(end - first));
    char *stop = find_row_end(row, layout, at, end, is_last, is_remark && !is_header, &open);
    if (!stop)
        return CSV_ROW_PART;
    char *next = stop;
    if (next < end)
        next += 1 + (*next == '\r' && next + 1 < end && next[1] == '\n');
    row->size = (size_t)(next - at);
    if (first >= stop)
        return CSV_ROW_BLANK;
    if (is_remark && !is_header)
        return CSV_ROW_REMARK;
    if (open)
        return CSV_ROW_QUOTE_OPEN;
    while (is_header && first < stop && *first == '#')
        first++;
    return split(row, layout->separator, first, stop);
}

void csv_row_release(struct csv_row *row)
{
    memory_free(&row->cell);
    row->n = row->capacity = 0;
}
