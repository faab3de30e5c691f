/* SPDX-License-Identifier: BSD-3-Clause */
#include "inspect_internal.h"

#include "base/log.h"
#include "data/csv/csv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST_SHOWN = 20, VALUES_SHOWN = 34 };

/* What a column holds, for one line of the table. */
struct content {
    bool is_text;
    size_t n_missing;
    const char *mark; /* what stands in such cells, if they are not empty */
    double least, largest, sum;
};

static void add_number(struct content *content, double number)
{
    content->least = fmin(content->least, number);
    content->largest = fmax(content->largest, number);
    content->sum += number;
}

static struct content content_of(const struct csv_table *table, size_t c)
{
    const struct csv_column *column = &table->column[c];
    struct content content = {.is_text = !column->number,
                              .n_missing = column->n_missing + column->n_not_finite,
                              .mark = column->mark ? column->mark : column->not_finite,
                              .least = INFINITY,
                              .largest = -INFINITY};
    for (size_t row = 0; row < table->n_rows && !content.is_text; row++)
        if (isfinite(column->number[row]))
            add_number(&content, column->number[row]);
    return content;
}

static void print_column(const struct csv_table *table, size_t c, const struct content *content)
{
    const struct string_list *values = &table->column[c].values;
    size_t n = table->n_rows - content->n_missing;
    char text[96] = "", joined[VALUES_SHOWN];
    if (content->is_text) {
        string_list_join(values, joined, sizeof joined);
        snprintf(text, sizeof text, "  %zu value%s: %s", values->n, values->n == 1 ? "" : "s",
                 joined);
    } else if (n > 0) {
        snprintf(text, sizeof text, "  %11.6g %11.6g %11.6g", content->least,
                 content->sum / (double)n, content->largest);
    }
    log_info("  %-22s %-8s %8zu%s", table->names.item[c],
             content->is_text ? "text"
             : n > 0          ? "numbers"
                              : "nothing",
             content->n_missing, text);
}

/* Of many columns those that are numbers and complete are not listed to the end. */
static void print_columns(const struct csv_table *table)
{
    size_t n_more = 0, used = 0;
    char marks[400] = "";
    log_info("%-24s %-8s %8s  %11s %11s %11s", "column", "kind", "missing", "least", "mean",
             "largest");
    for (size_t c = 0; c < table->names.n; c++) {
        struct content content = content_of(table, c);
        if (content.mark && used < sizeof marks)
            used += (size_t)snprintf(marks + used, sizeof marks - used, "%s'%s' in %s",
                                     used ? ", " : "", content.mark, table->names.item[c]);
        if (c >= MOST_SHOWN && !content.is_text && content.n_missing == 0)
            n_more++;
        else
            print_column(table, c, &content);
    }
    if (n_more > 0)
        log_info("  and %zu more columns of numbers, complete", n_more);
    if (*marks)
        log_info("counted as missing, too: %s", marks);
}

status inspect_list_csv(const char *path)
{
    struct csv_table table;
    status outcome = csv_read(path, &table);
    if (outcome != STATUS_OK)
        return outcome;
    log_info("%s: CSV file, %zu row%s, %zu column%s", path, table.n_rows,
             table.n_rows == 1 ? "" : "s", table.names.n, table.names.n == 1 ? "" : "s");
    print_columns(&table);
    for (size_t i = 0; i < table.notes.n; i++)
        log_info("note     %s", table.notes.item[i]);
    csv_release(&table);
    return STATUS_OK;
}
