/* SPDX-License-Identifier: BSD-3-Clause */
#include "page.h"
#include "report_internal.h"

#include "base/memory.h"

#include <math.h>

/* Of more classes a matrix of confusions cannot be read, nor a table looked through. */
enum { CONFUSIONS_SHOWN = 20, CLASSES_SHOWN = 100 };

bool report_has_classes(const struct report *report)
{
    return report->has_samples && report->evaluation.recall.n_classes > 0;
}

/* The class with the largest probability. */
static size_t chosen_class(const struct report_samples *samples, size_t i)
{
    const double *y = samples->y + i * samples->n_outputs;
    size_t best = 0;
    if (samples->n_outputs == 1)
        return y[0] > 0.5;
    for (size_t k = 1; k < samples->n_outputs; k++)
        if (y[k] > y[best])
            best = k;
    return best;
}

/* counts (C, C): of each class (rows), as which it was told (columns). */
static void count(const struct report_samples *samples, size_t n_classes, double *counts)
{
    for (size_t i = 0; i < samples->n; i++) {
        size_t chosen = chosen_class(samples, i);
        if (samples->label[i] >= 0 && chosen < n_classes)
            counts[(size_t)samples->label[i] * n_classes + chosen]++;
    }
}

static void write_classes(const struct report *report, const double *counts)
{
    static const char *const columns[] = {"class", "samples", "recall", "precision", "F1"};
    const struct class_recall *recall = &report->evaluation.recall;
    const struct string_list *names = &report->loaded.record.classes;
    FILE *page = report->page;
    size_t n = recall->n_classes;
    page_table_begin(page, "classes: share that is recognised, share of its answers that is right",
                     5, columns);
    for (size_t c = 0; c < n && c < CLASSES_SHOWN; c++) {
        const struct metrics *metrics = &recall->metrics[c];
        double told = 0, found = metrics->weight > 0 ? metrics->correct / metrics->weight : NAN;
        for (size_t j = 0; j < n; j++)
            told += counts[j * n + c];
        double precision = told > 0 ? counts[c * n + c] / told : NAN;
        page_raw(page, "<tr><th scope=\"row\">");
        page_text(page, names->item[c]);
        page_raw(page, "</th>");
        page_number_cell(page, (double)recall->n[c]);
        page_raw(page, "<td>");
        page_percent(page, found);
        page_raw(page, "</td><td>");
        page_percent(page, precision);
        page_raw(page, "</td>");
        page_number_cell(page,
                         found + precision > 0 ? 2 * found * precision / (found + precision) : NAN);
        page_raw(page, "</tr>\n");
    }
    page_table_end(page);
    if (n > CLASSES_SHOWN)
        page_raw(page, "<p>The first %d of %zu classes.</p>\n", CLASSES_SHOWN, n);
}

static void write_confusions(const struct report *report, const double *counts)
{
    const struct string_list *names = &report->loaded.record.classes;
    const char *columns[CONFUSIONS_SHOWN + 1] = {"is \\ told"};
    FILE *page = report->page;
    size_t n = report->evaluation.recall.n_classes;
    for (size_t c = 0; c < n; c++)
        columns[c + 1] = names->item[c];
    page_table_begin(page, "confusions: rows are the true classes, columns what the model says",
                     n + 1, columns);
    for (size_t c = 0; c < n; c++) {
        page_raw(page, "<tr><th scope=\"row\">");
        page_text(page, names->item[c]);
        page_raw(page, "</th>");
        for (size_t j = 0; j < n; j++)
            page_raw(page, c == j ? "<td><strong>%.0f</strong></td>" : "<td>%.0f</td>",
                     counts[c * n + j]);
        page_raw(page, "</tr>\n");
    }
    page_table_end(page);
}

status section_classes(struct report *report)
{
    double *counts;
    size_t n = report->evaluation.recall.n_classes;
    status outcome = memory_alloc(&counts, n * n, sizeof *counts, "the confusions");
    if (outcome != STATUS_OK)
        return outcome;
    count(&report->samples, n, counts);
    write_classes(report, counts);
    if (n <= CONFUSIONS_SHOWN)
        write_confusions(report, counts);
    memory_free(&counts);
    return STATUS_OK;
}
