/* SPDX-License-Identifier: BSD-3-Clause */
#include "chart.h"
#include "page.h"
#include "report_internal.h"

#include "base/memory.h"

#include <inttypes.h>
#include <math.h>

/* A figure over the epochs: a metric and, if there is one, the same of the validation samples. */
static const struct curve {
    const char *name, *title, *label, *metric, *valid;
    bool rises; /* the more the better */
} curves[] = {
    {"error", "The error that training lowers", "error", "error", "error_valid", false},
    {"nll", "Negative log-likelihood of a sample", "nll", "nll", "nll_valid", false},
    {"accuracy", "Share of samples that are classified rightly", "accuracy", "accuracy",
     "accuracy_valid", true},
    {"rmse", "Root of the mean squared error, in units of the data", "rmse", "rmse", "rmse_valid",
     false},
    {"rate", "Learning rate", "learning rate", "learning_rate", NULL, false},
};

void report_column(const struct report *report, int column, double *values)
{
    for (size_t i = 0; i < report->history.n; i++)
        values[i] = history_get(&report->history.record[i], column);
}

/* What the curves say, for who does not see them. */
static void describe(const struct report *report, const double *values, const double *valid,
                     bool rises, char *text, size_t size)
{
    size_t n = report->history.n, used = 0, best = 0;
    const struct metrics_record *record = report->history.record;
    used += (size_t)snprintf(text, size, "From %.4g in epoch %" PRId64 " to %.4g in epoch %" PRId64,
                             values[0], record[0].epoch, values[n - 1], record[n - 1].epoch);
    for (size_t i = 0; valid && i < n; i++)
        if ((rises ? valid[i] > valid[best] : valid[i] < valid[best]) || !isfinite(valid[best]))
            best = i;
    if (valid && isfinite(valid[best]))
        used += (size_t)snprintf(text + used, size - used,
                                 "; of validation samples to %.4g, the %s being %.4g in epoch "
                                 "%" PRId64,
                                 valid[n - 1], rises ? "most" : "least", valid[best],
                                 record[best].epoch);
    if (report->predictor)
        snprintf(text + used, size - used, "; the dotted line is epoch %" PRId64 ", the model here",
                 report->progress.epoch);
}

static bool any_finite(size_t n, const double *values)
{
    for (size_t i = 0; i < n; i++)
        if (isfinite(values[i]))
            return true;
    return false;
}

static bool varies(size_t n, const double *values)
{
    for (size_t i = 1; i < n; i++)
        if (values[i] != values[0])
            return true;
    return false;
}

static void draw_curve(struct report *report, const struct curve *curve, const double *epoch,
                       const double *values, const double *valid)
{
    static const char *const names[] = {"training", "validation"};
    size_t n = report->history.n;
    char description[512];
    struct chart chart = {.page = report->page,
                          .name = curve->name,
                          .title = curve->title,
                          .description = description,
                          .x = {.label = "epoch", .least = epoch[0], .most = epoch[n - 1]},
                          .y = {.label = curve->label, .least = INFINITY, .most = -INFINITY}};
    describe(report, values, valid, curve->rises, description, sizeof description);
    chart_range(n, values, &chart.y.least, &chart.y.most);
    if (valid)
        chart_range(n, valid, &chart.y.least, &chart.y.most);
    chart.y.is_log = chart.y.least > 0 && chart.y.most > 50 * chart.y.least;
    chart.y.is_tidy = true;
    chart_begin(&chart);
    double best = (double)report->progress.epoch;
    if (report->predictor && best >= chart.x.least && best <= chart.x.most)
        chart_guide(&chart, best, chart.y.least, best, chart.y.most);
    chart_line(&chart, 0, n, epoch, values);
    if (valid)
        chart_line(&chart, 1, n, epoch, valid);
    chart_legend(&chart, valid ? 2 : 0, names, false);
    chart_end(&chart);
}

/* All that is drawn here and under Experts. */
static void write_numbers(const struct report *report)
{
    const char *columns[RECORD_N_VALUES + 1] = {"epoch"};
    size_t n = 1;
    int shown[RECORD_N_VALUES];
    FILE *page = report->page;
    for (int c = 0; c < RECORD_N_VALUES; c++)
        for (size_t i = 0; i < report->history.n; i++)
            if (isfinite(history_get(&report->history.record[i], c))) {
                shown[n - 1] = c;
                columns[n++] = history_column_name(c);
                break;
            }
    page_details_begin(page, "The numbers of these figures");
    page_table_begin(page, "metrics by epoch", n, columns);
    for (size_t i = 0; i < report->history.n; i++) {
        const struct metrics_record *record = &report->history.record[i];
        page_raw(page, "<tr><th scope=\"row\">%" PRId64 "</th>", record->epoch);
        for (size_t c = 0; c + 1 < n; c++)
            page_raw(page, "<td>%.6g</td>", history_get(record, shown[c]));
        page_raw(page, "</tr>\n");
    }
    page_table_end(page);
    page_details_end(page);
}

status section_learning(struct report *report)
{
    double *numbers;
    size_t n = report->history.n;
    status outcome = memory_alloc(&numbers, 3 * n, sizeof *numbers, "the report");
    if (outcome != STATUS_OK)
        return outcome;
    double *epoch = numbers, *values = numbers + n, *valid = numbers + 2 * n;
    report_column(report, RECORD_N_VALUES, epoch);
    page_raw(report->page, "<div class=\"figures\">\n");
    for (size_t i = 0; i < sizeof curves / sizeof *curves; i++) {
        const struct curve *curve = &curves[i];
        report_column(report, history_column(curve->metric), values);
        bool has_valid = curve->valid != NULL;
        if (has_valid) {
            report_column(report, history_column(curve->valid), valid);
            has_valid = any_finite(n, valid);
        }
        if (any_finite(n, values) && (curve->valid || varies(n, values)))
            draw_curve(report, curve, epoch, values, has_valid ? valid : NULL);
    }
    page_raw(report->page, "</div>\n");
    if (!report->history_is_whole)
        page_raw(report->page, "<p>Of the run's epochs %zu are drawn.</p>\n", n);
    write_numbers(report);
    memory_free(&numbers);
    return STATUS_OK;
}
