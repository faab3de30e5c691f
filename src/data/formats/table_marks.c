/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers such as -999 that may stand for a missing value. */
#include "table_reader.h"

#include "base/message.h"
#include "data/csv/csv_cell.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* 99, 999, ... */
static bool is_nines(double whole)
{
    for (long nines = 99; nines < 100000000; nines = 10 * nines + 9)
        if (whole == (double)nines)
            return true;
    return false;
}

/* 99, 999, ... with up to three nines behind the point, and powers of ten that nothing measures. */
static bool is_mark(double number)
{
    double size = fabs(number), whole = floor(size);
    if (size >= 1e20)
        return size == pow(10, rint(log10(size)));
    bool ends_in_nines = false;
    for (int places = 0; places <= 3; places++)
        ends_in_nines |= fabs(size - whole - (1 - pow(10, -places))) <= 1e-9 * size;
    return ends_in_nines && is_nines(whole);
}

/* One end of a column's numbers: the last, how often it comes, and the one before it. */
struct end {
    double last, before;
    size_t n;
};

static void add(struct end *end, double number)
{
    if (end->n == 0 || number < end->last) {
        end->before = end->n == 0 ? NAN : end->last;
        end->last = number;
        end->n = 1;
    } else if (number == end->last) {
        end->n++;
    } else if (!(number >= end->before)) {
        end->before = number;
    }
}

/* Twice at least, and farther from the others than they are from each other. */
static bool is_far(const struct end *end, double other_end)
{
    double range = other_end - end->before;
    return end->n > 1 && is_mark(end->last) && range > 0 && end->before - end->last > range;
}

static bool find_mark(const struct csv_table *table, size_t c, double *mark, size_t *n)
{
    struct end low = {0}, high = {0}; /* the latter of -number */
    const double *number = table->column[c].number;
    for (size_t row = 0; row < table->n_rows && number; row++) {
        if (!isfinite(number[row]))
            continue;
        add(&low, number[row]);
        add(&high, -number[row]);
    }
    bool is_low = is_far(&low, -high.last), is_high = is_far(&high, -low.last);
    *mark = is_low ? low.last : -high.last;
    *n = is_low ? low.n : high.n;
    return is_low || is_high;
}

/* Those that are found, for one line. */
struct marked {
    char text[400];
    size_t n;
};

static void look(struct marked *marked, const struct csv_table *table, size_t c)
{
    enum { MOST_TOLD = 5 };
    char name[CSV_SHOWN];
    double mark;
    size_t n, used = strlen(marked->text);
    if (!find_mark(table, c, &mark, &n) || marked->n++ >= MOST_TOLD)
        return;
    snprintf(marked->text + used, sizeof marked->text - used, "%s%.10g in %zu rows of '%s'",
             used ? ", " : "", mark, n, csv_printable(table->names.item[c], name));
}

status table_note_marks(struct source *source, const struct table_reader *reader)
{
    struct marked marked = {0};
    char text[700];
    for (size_t i = 0; i < reader->inputs.n; i++)
        if (reader->inputs.item[i].code == TEXT_INPUT_NUMBERS)
            look(&marked, &reader->table, reader->inputs.item[i].column);
    for (size_t i = 0; i < reader->n_targets; i++)
        look(&marked, &reader->table, reader->target[i]);
    if (marked.n == 0)
        return STATUS_OK;
    snprintf(text, sizeof text,
             "%s: far from all other numbers of their column: %s%s; if that stands for a missing "
             "value, empty those cells",
             source->path, marked.text, marked.n > 5 ? ", and more" : "");
    return string_list_add(&source->info.notes, text);
}
