/* SPDX-License-Identifier: BSD-3-Clause */
#include "chart.h"
#include "page.h"
#include "report_internal.h"

#include <math.h>

enum { BINS = TRUST_BINS, LEVELS = 11 };
static const double levels[LEVELS] = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99};

bool report_has_calibration(const struct report *report)
{
    return report->has_samples && (report->evaluation.trust.has_classes || report->samples.u);
}

static void write_pairs(FILE *page, const char *caption, const char *const *columns, size_t n,
                        const double *x, const double *y)
{
    page_details_begin(page, "The numbers of this figure");
    page_table_begin(page, caption, 2, columns);
    for (size_t i = 0; i < n; i++) {
        page_raw(page, "<tr>");
        page_number_cell(page, x[i]);
        page_number_cell(page, y[i]);
        page_raw(page, "</tr>\n");
    }
    page_table_end(page);
    page_details_end(page);
}

/*
 * What should lie on the diagonal. `chart` has its words already. Both axes are shares, which the
 * x axis may begin above 0.
 */
static void draw_diagonal(struct chart *chart, size_t n, const double *x, const double *y,
                          const char *const *columns)
{
    chart->x.most = chart->y.most = 1;
    chart->x.is_tidy = chart->y.is_tidy = true;
    chart_begin(chart);
    chart_guide(chart, chart->x.least, chart->x.least, 1, 1);
    chart_line(chart, 0, n, x, y);
    chart_dots(chart, "s0", n, x, y);
    chart_legend(chart, 0, NULL, false);
    write_pairs(chart->page, chart->title, columns, n, x, y);
    chart_end(chart);
}

/* The bins of trust_calibration_error: equally many samples in the order of their confidence. */
static void draw_reliability(struct report *report)
{
    static const char *const columns[] = {"mean confidence", "share that is right"};
    struct trust *trust = &report->evaluation.trust;
    double error = trust_calibration_error(trust), x[BINS], y[BINS];
    char description[256];
    for (size_t bin = 0; bin < BINS; bin++) {
        double confidence = 0, right = 0, weight = 0;
        for (size_t i = bin * trust->n / BINS; i < (bin + 1) * trust->n / BINS; i++) {
            const struct confidence *one = &trust->confidence[i];
            confidence += one->weight * one->probability;
            right += one->weight * one->right;
            weight += one->weight;
        }
        x[bin] = confidence / weight;
        y[bin] = right / weight;
    }
    snprintf(description, sizeof description,
             "Ten bins of equally many samples in the order of their confidence; on the dotted "
             "line confidence and accuracy agree. They differ by %.2f %% in the mean",
             100 * error);
    double lowest = 1, highest = 0;
    chart_range(BINS, x, &lowest, &highest);
    struct chart chart = {
        .page = report->page,
        .name = "reliability",
        .title = "Share that is right by confidence",
        .description = description,
        .x = {.label = "probability of the class that is told", .least = 0.1 * floor(10 * lowest)},
        .y = {.label = "share that is right"}};
    draw_diagonal(&chart, BINS, x, y, columns);
}

static void draw_coverage(struct report *report)
{
    static const char *const columns[] = {"probability", "share of targets inside"};
    const struct report_samples *samples = &report->samples;
    const struct trust *trust = &report->evaluation.trust;
    size_t n = samples->n * samples->n_outputs;
    double share[LEVELS];
    char description[256];
    for (size_t l = 0; l < LEVELS; l++) {
        size_t inside = 0;
        for (size_t i = 0; i < n; i++)
            inside += fabs(samples->u[i] - 0.5) < 0.5 * levels[l];
        share[l] = (double)inside / (double)n;
    }
    snprintf(description, sizeof description,
             "Central intervals of the predicted distribution; on the dotted line they hold as "
             "many targets as they promise. Those of 50 %% hold %.1f %%, of 90 %% %.1f %%",
             100 * trust_coverage(trust, 0), 100 * trust_coverage(trust, 1));
    struct chart chart = {.page = report->page,
                          .name = "coverage",
                          .title = "Share of targets in intervals",
                          .description = description,
                          .x = {.label = "probability that the interval promises"},
                          .y = {.label = "share of targets inside"}};
    draw_diagonal(&chart, LEVELS, levels, share, columns);
}

/* Where targets lie in their distributions: uniform if these are right. */
static void draw_transform(struct report *report)
{
    static const char *const columns[] = {"from", "share of targets"};
    const struct report_samples *samples = &report->samples;
    size_t n = samples->n * samples->n_outputs;
    double from[BINS], share[BINS] = {0};
    for (size_t i = 0; i < n; i++) {
        size_t bin = (size_t)fmin(fmax(samples->u[i], 0) * BINS, BINS - 1);
        share[bin] += 1 / (double)n;
    }
    struct chart chart = {
        .page = report->page,
        .name = "transform",
        .title = "Where targets lie in their predicted distributions",
        .description = "Flat if the distributions are right; high at both ends if they are too "
                       "narrow, in the middle if too wide",
        .x = {.label = "P(target is less)", .least = 0, .most = 1},
        .y = {.label = "share of targets", .least = 0, .most = 1.0 / BINS, .is_tidy = true}};
    chart_range(BINS, share, &chart.y.least, &chart.y.most);
    chart_begin(&chart);
    for (size_t bin = 0; bin < BINS; bin++) {
        from[bin] = (double)bin / BINS;
        chart_box(&chart, "bar", from[bin] + 0.005, 0, from[bin] + 1.0 / BINS - 0.005, share[bin]);
    }
    chart_guide(&chart, 0, 1.0 / BINS, 1, 1.0 / BINS);
    chart_legend(&chart, 0, NULL, false);
    write_pairs(report->page, chart.title, columns, BINS, from, share);
    chart_end(&chart);
}

status section_calibration(struct report *report)
{
    page_element(report->page, "p", report->samples_are);
    page_raw(report->page, "<div class=\"figures\">\n");
    if (report->evaluation.trust.has_classes)
        draw_reliability(report);
    if (report->samples.u) {
        draw_coverage(report);
        draw_transform(report);
    }
    page_raw(report->page, "</div>\n");
    if (report->evaluation.trust.has_classes) {
        page_raw(report->page, "<p>Expected calibration error: ");
        page_number(report->page, trust_calibration_error(&report->evaluation.trust));
        page_raw(report->page, "</p>\n");
    }
    return STATUS_OK;
}
