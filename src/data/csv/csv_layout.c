/* SPDX-License-Identifier: BSD-3-Clause */
#include "csv_layout.h"

#include "csv_format.h"
#include "csv_header.h"

#include "base/memory.h"
#include "data/csv/csv_cell.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char separators[] = {',', ';', '\t', '|', ' '};
enum { N_SEPARATORS = sizeof separators };

static void release_sample(struct csv_sample *sample)
{
    memory_free(&sample->bytes);
    for (size_t i = 0; i < CSV_SAMPLE_ROWS; i++)
        csv_row_release(&sample->row[i]);
    sample->n = 0;
}

static status take_sample(const char *block, size_t length, bool is_whole,
                          const struct csv_layout *layout, struct csv_sample *sample)
{
    memset(sample, 0, sizeof *sample);
    status outcome = memory_alloc(&sample->bytes, length + 1, 1, "the first rows of a CSV file");
    if (outcome != STATUS_OK)
        return outcome;
    memcpy(sample->bytes, block, length);
    char *at = sample->bytes + layout->skip, *end = sample->bytes + length;
    size_t line = layout->first_line;
    while (at < end && sample->n < CSV_SAMPLE_ROWS) {
        struct csv_row *row = &sample->row[sample->n];
        bool is_header = sample->n == 0 && line == layout->header_line;
        enum csv_row_kind kind = csv_row_split(row, layout, at, end, is_whole, is_header);
        if (kind != CSV_ROW && kind != CSV_ROW_BLANK && kind != CSV_ROW_REMARK)
            break; /* of a fault the reading itself tells */
        if (row->outcome != STATUS_OK)
            return row->outcome;
        sample->line[sample->n] = line;
        at += row->size;
        line += row->n_lines;
        sample->n += kind == CSV_ROW;
    }
    return STATUS_OK;
}

static bool first_cells_are_quoted(const struct csv_sample *sample)
{
    for (size_t i = 1; i < sample->n; i++)
        if (!sample->row[i].cell[0].quoted)
            return false;
    return sample->n > 1;
}

static bool last_cells_are_empty(const struct csv_sample *sample)
{
    for (size_t i = 1; i < sample->n; i++)
        if (sample->row[i].cell[sample->row[i].n - 1].length > 0)
            return false;
    return sample->n > 1;
}

/* All rows have one cell more than the header: R's row names, or a separator at their ends. */
static bool rows_have_one_more(const struct csv_sample *sample, struct csv_layout *layout)
{
    size_t names = sample->n ? sample->row[0].n : 0;
    for (size_t i = 1; i < sample->n; i++)
        if (sample->row[i].n != names + 1)
            return false;
    if (sample->n < 2)
        return false;
    layout->ends_in_separator = last_cells_are_empty(sample);
    /* "x" above "1,5" may be a decimal comma; and one row a slip. */
    layout->lacks_name = !layout->ends_in_separator &&
                         ((names > 1 && sample->n > 2) || first_cells_are_quoted(sample));
    return layout->lacks_name || layout->ends_in_separator;
}

static bool holds_a_number(const struct csv_sample *sample)
{
    double number;
    for (size_t i = 1; i < sample->n; i++)
        for (size_t c = 0; c < sample->row[i].n; c++)
            if (csv_parse_cell(sample->row[i].cell[c].text, true, &number) == CSV_NUMBER)
                return true;
    return false;
}

/* The share of rows that have as many cells as the header. */
static double fit_of(const struct csv_sample *sample, struct csv_layout *layout)
{
    size_t fitting = 0, names = sample->n ? sample->row[0].n : 0;
    for (size_t i = 1; i < sample->n; i++)
        fitting += sample->row[i].n == names;
    double fit = names < 2 ? 0 : sample->n < 2 ? 1 : (double)fitting / (double)(sample->n - 1);
    if (fit == 0 && rows_have_one_more(sample, layout))
        fit = 1;
    /* Names and sentences hold blanks, too. */
    if (layout->separator == ' ' && (fit < 0.5 || !holds_a_number(sample)))
        return 0;
    /* Where rows differ from the header from the first on, the header alone tells. */
    return fit > 0 ? fit : names > 1 && layout->separator != ' ' ? 1e-3 : 0;
}

/* The separator with which most rows fit the header; the first of several. */
static status find_separator(const char *block, size_t length, bool is_whole,
                             struct csv_layout *layout)
{
    struct csv_layout found = *layout;
    double best = 0;
    status outcome = STATUS_OK;
    found.separator = ',';
    for (size_t i = 0; i < N_SEPARATORS && outcome == STATUS_OK && best < 1; i++) {
        struct csv_layout tried = *layout;
        struct csv_sample sample;
        tried.separator = separators[i];
        outcome = take_sample(block, length, is_whole, &tried, &sample);
        double fit = outcome == STATUS_OK ? fit_of(&sample, &tried) : 0;
        if (fit > best) {
            best = fit;
            found = tried;
        }
        release_sample(&sample);
    }
    *layout = found;
    return outcome;
}

/* A line of the file as it lies there; false at the end. */
static bool next_line(const char *block, size_t length, size_t *at, const char **line, size_t *n)
{
    if (*at >= length)
        return false;
    *line = block + *at;
    *n = 0;
    while (*at + *n < length && (*line)[*n] != '\n' && (*line)[*n] != '\r')
        (*n)++;
    *at += *n;
    if (*at < length)
        *at += 1u + (block[*at] == '\r' && *at + 1 < length && block[*at + 1] == '\n');
    while (*n > 0 && (**line == ' ' || **line == '\t')) {
        (*line)++;
        (*n)--;
    }
    return true;
}

/*
 * Lines that begin with # are remarks, unless most rows do: then it belongs to what they hold. The
 * last of the remarks at the top may be the header (numpy.savetxt); it is looked at later.
 */
static void find_remarks(const char *block, size_t length, struct csv_layout *layout)
{
    enum { LINES = 1000 };
    size_t at = layout->skip, n = 0, n_marked = 0, number = layout->first_line, above = 0;
    const char *line;
    bool in_table = false;
    for (size_t i = 0; i < LINES && next_line(block, length, &at, &line, &n); i++, number++) {
        bool marked = csv_is_remark(line, n);
        if (!in_table && marked)
            above = number;
        in_table = in_table || (n > 0 && !marked);
        if (in_table && n > 0) {
            layout->has_remarks = layout->has_remarks || marked;
            n_marked += marked;
            layout->header_line++; /* counts rows for now */
        }
    }
    bool most = 2 * n_marked > layout->header_line;
    layout->has_remarks = above > 0 || (layout->has_remarks && !most);
    layout->header_line = above;
}

/* Excel's line "sep=;" */
static status take_separator_line(const char *path, const char *block, size_t length,
                                  struct csv_layout *layout)
{
    size_t at = layout->skip, n = 0;
    const char *line;
    if (!next_line(block, length, &at, &line, &n))
        return STATUS_OK;
    bool quoted = n > 1 && *line == '"' && line[n - 1] == '"';
    line += quoted;
    n -= quoted ? 2 : 0;
    if (n < 4 || strncasecmp(line, "sep=", 4) != 0)
        return STATUS_OK;
    if (n != 5 || !memchr(separators, line[4], N_SEPARATORS))
        return status_set(STATUS_USAGE,
                          "%s, line 1: the line 'sep=' names no separator that is known (a comma, "
                          "a semicolon, a bar or a tab); remove it",
                          path);
    layout->separator = line[4];
    layout->skip = at;
    layout->first_line = 2;
    return STATUS_OK;
}

/* With the separator told by the file, only what is beside the header is to be found. */
static status find_cells(const char *block, size_t length, bool is_whole, struct csv_layout *layout)
{
    struct csv_sample sample;
    if (!layout->separator)
        return find_separator(block, length, is_whole, layout);
    status outcome = take_sample(block, length, is_whole, layout, &sample);
    if (outcome == STATUS_OK)
        rows_have_one_more(&sample, layout);
    release_sample(&sample);
    return outcome;
}

/* Whether the remark that is taken for the header names as many columns as the n_rows rows have. */
static bool remark_is_header(const char *path, const struct csv_sample *sample, size_t width,
                             size_t n_rows, const struct csv_layout *layout)
{
    bool sure;
    return sample->n > 1 && sample->row[0].n == width && sample->row[1].n == width &&
           csv_header_check(path, sample, layout, &sure) == STATUS_OK && (sure || n_rows == 1);
}

/*
 * The first row holds the names; where it looks like data, the last remark above it may
 * (numpy.savetxt writes them so).
 */
static status find_header(const char *path, const char *block, size_t length, bool is_whole,
                          struct csv_layout *layout)
{
    struct csv_layout named = *layout;
    struct csv_sample sample;
    char reason[512];
    layout->header_line = 0;
    status outcome = find_cells(block, length, is_whole, layout);
    if (outcome == STATUS_OK)
        outcome = take_sample(block, length, is_whole, layout, &sample);
    else
        return outcome;
    bool sure = false;
    status verdict =
        outcome == STATUS_OK ? csv_header_check(path, &sample, layout, &sure) : outcome;
    size_t width = sample.n ? sample.row[0].n : 0, n = sample.n;
    release_sample(&sample);
    if (outcome != STATUS_OK || named.header_line == 0 || sure)
        return verdict;
    snprintf(reason, sizeof reason, "%s", status_text());
    named.separator = layout->separator;
    outcome = take_sample(block, length, is_whole, &named, &sample);
    if (outcome == STATUS_OK && remark_is_header(path, &sample, width, n, &named))
        *layout = named;
    else if (outcome == STATUS_OK && verdict != STATUS_OK)
        outcome = status_set(verdict, "%s", reason);
    release_sample(&sample);
    return outcome;
}

status csv_layout_find(const char *path, const char *block, size_t length, bool is_whole,
                       struct csv_layout *layout)
{
    *layout = (struct csv_layout){.first_line = 1};
    status outcome = csv_format_check(path, block, length);
    if (outcome != STATUS_OK)
        return outcome;
    if (length >= 3 && memcmp(block, "\xEF\xBB\xBF", 3) == 0)
        layout->skip = 3;
    const char *newline = memchr(block, '\n', length);
    layout->lone_returns = !newline && memchr(block, '\r', length);
    outcome = take_separator_line(path, block, length, layout);
    if (outcome == STATUS_OK)
        find_remarks(block, length, layout);
    return outcome == STATUS_OK ? find_header(path, block, length, is_whole, layout) : outcome;
}
