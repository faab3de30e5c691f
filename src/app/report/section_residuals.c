/* SPDX-License-Identifier: BSD-3-Clause */
#include "chart.h"
#include "page.h"
#include "report_internal.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

/* Targets that are shown; bins of equally many samples in the table. */
enum { TARGETS_SHOWN = 4, BINS = 10 };

bool report_has_residuals(const struct report *report)
{
    return report->has_samples && report->evaluation.has_numbers &&
           !predictor_is_classifier(report->predictor);
}

/* A prediction and what the target was more. */
struct residual {
    double y, residual;
};

static int by_prediction(const void *a, const void *b)
{
    const struct residual *one = a, *other = b;
    return (one->y > other->y) - (one->y < other->y);
}

static void write_bins(FILE *page, size_t n, const struct residual *residuals)
{
    static const char *const columns[] = {"prediction from", "to", "samples", "mean residual",
                                          "root mean square"};
    page_details_begin(page, "The residuals in bins of the prediction");
    page_table_begin(page, "residuals by prediction", 5, columns);
    for (size_t bin = 0; bin < BINS; bin++) {
        size_t first = bin * n / BINS, end = (bin + 1) * n / BINS;
        double sum = 0, squares = 0, count = (double)(end - first);
        for (size_t i = first; i < end; i++) {
            sum += residuals[i].residual;
            squares += residuals[i].residual * residuals[i].residual;
        }
        if (first == end)
            continue;
        page_raw(page, "<tr>");
        page_number_cell(page, residuals[first].y);
        page_number_cell(page, residuals[end - 1].y);
        page_number_cell(page, count);
        page_number_cell(page, sum / count);
        page_number_cell(page, sqrt(squares / count));
        page_raw(page, "</tr>\n");
    }
    page_table_end(page);
    page_details_end(page);
}

static void draw_target(struct report *report, size_t k, struct residual *residuals, double *dots)
{
    const struct report_samples *samples = &report->samples;
    const struct string_list *names = &report->loaded.record.target_names;
    size_t n = samples->n, n_dots = n < REPORT_DOTS ? n : REPORT_DOTS;
    double *x = dots, *y = dots + n_dots, squares = 0;
    char name[32], title[300], description[256];
    for (size_t i = 0; i < n; i++) {
        double d = samples->d[i * samples->n_outputs + k];
        residuals[i].y = samples->y[i * samples->n_outputs + k];
        residuals[i].residual = d - residuals[i].y;
        squares += residuals[i].residual * residuals[i].residual;
    }
    for (size_t i = 0; i < n_dots; i++) {
        x[i] = residuals[i * n / n_dots].y;
        y[i] = residuals[i * n / n_dots].residual;
    }
    snprintf(name, sizeof name, "residual%zu", k);
    snprintf(title, sizeof title, "Residuals of %.200s", k < names->n ? names->item[k] : "y");
    snprintf(description, sizeof description,
             "Target less prediction, %zu of %zu samples as dots; root mean square %.4g", n_dots, n,
             sqrt(squares / (double)n));
    struct chart chart = {.page = report->page,
                          .name = name,
                          .title = title,
                          .description = description,
                          .x = {.label = "prediction", .least = INFINITY, .most = -INFINITY},
                          .y = {.label = "target - prediction", .least = 0, .most = 0}};
    chart.x.is_tidy = chart.y.is_tidy = true;
    chart_range(n_dots, x, &chart.x.least, &chart.x.most);
    chart_range(n_dots, y, &chart.y.least, &chart.y.most);
    chart_begin(&chart);
    chart_guide(&chart, chart.x.least, 0, chart.x.most, 0);
    chart_dots(&chart, "", n_dots, x, y);
    chart_legend(&chart, 0, NULL, false);
    qsort(residuals, n, sizeof *residuals, by_prediction);
    write_bins(report->page, n, residuals);
    chart_end(&chart);
}

status section_residuals(struct report *report)
{
    struct residual *residuals = NULL;
    double *dots = NULL;
    size_t n_targets = report->samples.n_outputs;
    status outcome = memory_alloc(&residuals, report->samples.n, sizeof *residuals, "the report");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&dots, 2 * (size_t)REPORT_DOTS, sizeof *dots, "the report");
    if (outcome == STATUS_OK) {
        page_element(report->page, "p", report->samples_are);
        if (n_targets > TARGETS_SHOWN)
            page_raw(report->page, "<p>The first %d of %zu targets.</p>\n", TARGETS_SHOWN,
                     n_targets);
        page_raw(report->page, "<div class=\"figures\">\n");
        for (size_t k = 0; k < n_targets && k < TARGETS_SHOWN; k++)
            draw_target(report, k, residuals, dots);
        page_raw(report->page, "</div>\n");
    }
    memory_free(&residuals);
    memory_free(&dots);
    return outcome;
}
