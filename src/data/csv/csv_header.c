/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether the first row of a file holds names, or is one more row of data. */
#include "csv_header.h"
#include "data/csv/csv_cell.h"

#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static bool is_number(const char *text, double *number)
{
    return csv_parse_cell(text, true, number) == CSV_NUMBER;
}

static bool is_same_row(const struct csv_row *a, const struct csv_row *b)
{
    if (a->n != b->n)
        return false;
    for (size_t c = 0; c < a->n; c++)
        if (strcmp(a->cell[c].text, b->cell[c].text) != 0)
            return false;
    return true;
}

/* What stands below the header in one column. */
struct below {
    bool numbers, words; /* any of them */
    bool notations;      /* numbers in another notation than 1.5 */
    bool has_header;     /* a cell with the text of the header's */
};

static struct below look_below(const struct csv_sample *sample, size_t c)
{
    const struct csv_row *header = &sample->row[0];
    struct below below = {0};
    for (size_t i = 1; i < sample->n; i++) {
        const struct csv_row *row = &sample->row[i];
        if (c >= row->n || row->cell[c].length == 0 || csv_is_missing_mark(row->cell[c].text) ||
            is_same_row(header, row))
            continue;
        double ignored;
        if (csv_is_number_like(row->cell[c].text)) {
            below.numbers = true;
            below.notations |= !is_number(row->cell[c].text, &ignored);
        } else
            below.words = true;
        below.has_header |= strcmp(row->cell[c].text, header->cell[c].text) == 0;
    }
    return below;
}

/* Numbers in the header over columns of numbers: may they be names (0, 1, 2; years; wavelengths)?
 */
struct numbered {
    size_t n;
    double first, step, last;
    bool rising, even; /* whole numbers, each above the one before; by the same step */
};

static void add_number(struct numbered *numbered, double number)
{
    bool whole = number == floor(number);
    if (numbered->n == 0)
        *numbered = (struct numbered){.first = number, .rising = true, .even = true};
    if (numbered->n == 1)
        numbered->step = number - numbered->last;
    numbered->rising = numbered->rising && whole && (numbered->n == 0 || number > numbered->last);
    numbered->even =
        numbered->even && (numbered->n == 0 || number - numbered->last == numbered->step);
    numbered->last = number;
    numbered->n++;
}

static bool may_be_names(const struct numbered *numbered)
{
    enum { MANY = 5 };
    bool counted =
        (numbered->first == 0 || numbered->first == 1) && (numbered->n == 1 || numbered->step == 1);
    bool years = numbered->first >= 1500 && numbered->last <= 2200;
    return numbered->rising && (years || (numbered->even && (counted || numbered->n >= MANY)));
}

static status refuse_row(const char *path, const struct csv_sample *sample,
                         const struct csv_layout *layout)
{
    enum { MOST = 40 };
    char names[8 * MOST] = "";
    size_t n = sample->row[0].n, used = 0;
    for (size_t c = 0; c + 1 < n && n <= MOST; c++)
        used += (size_t)snprintf(names + used, sizeof names - used, "x%zu%c", c, layout->separator);
    snprintf(names + used, sizeof names - used, n <= MOST ? "y" : "x0%cx1%c...%cy",
             layout->separator, layout->separator, layout->separator);
    return status_set(STATUS_USAGE,
                      "%s, line %zu: the first row looks like the rows of data below it, but must "
                      "hold the names of the columns; add a header row such as %s (sed -i '1i "
                      "%s' FILE)",
                      path, sample->line[0], names, n <= MOST ? names : "...");
}

/* Names over numbers show a header; numbers over numbers, or words that come again, a row of data.
 */
status csv_header_check(const char *path, const struct csv_sample *sample,
                        const struct csv_layout *layout, bool *sure)
{
    struct numbered numbered = {0};
    size_t n_words = 0, n_known = 0;
    *sure = false;
    if (sample->n == 0 || layout->lacks_name || layout->ends_in_separator)
        return STATUS_OK;
    const struct csv_row *header = &sample->row[0];
    for (size_t c = 0; c < header->n; c++) {
        const char *name = header->cell[c].text;
        double number;
        if (!*name || csv_is_missing_mark(name))
            continue;
        struct below below = look_below(sample, c);
        bool names_number = is_number(name, &number);
        /* 25% over 0.3 is a name; over 31% one more number. */
        if (!names_number && below.notations && csv_is_number_like(name)) {
            names_number = true;
            number = NAN;
        }
        *sure = below.numbers && !below.words && !names_number;
        if (*sure)
            return STATUS_OK;
        if (names_number && !below.words)
            add_number(&numbered, number);
        else {
            n_words++;
            n_known += below.has_header;
        }
    }
    if (numbered.n > 0 ? may_be_names(&numbered) : 2 * n_known <= n_words)
        return STATUS_OK;
    return refuse_row(path, sample, layout);
}
