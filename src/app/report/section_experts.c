/* SPDX-License-Identifier: BSD-3-Clause */
#include "chart.h"
#include "page.h"
#include "report_internal.h"

#include "base/memory.h"

#include <math.h>

/* Of many experts those with the largest share: in the table, as lines; rows of their numbers. */
enum { EXPERTS_SHOWN = 40, MOST_LINES = 7, MOST_ROWS = 60 };

bool report_has_experts(const struct report *report)
{
    return report->history.n > 0 || report->has_samples;
}

/* The experts of the figure: those with the largest share in the end, in their order. */
static size_t choose_drawn(const struct use_history *use, size_t drawn[MOST_LINES])
{
    size_t n = 0;
    for (size_t e = 0; e < use->n_experts; e++) {
        size_t larger = 0;
        for (size_t f = 0; f < use->n_experts; f++) {
            double difference = use->g[(f + 1) * use->n - 1] - use->g[(e + 1) * use->n - 1];
            larger += difference > 0 || (f < e && difference == 0);
        }
        if (larger < MOST_LINES && n < MOST_LINES)
            drawn[n++] = e;
    }
    return n;
}

static void write_shares(const struct report *report, size_t n, const size_t *drawn)
{
    const struct use_history *use = &report->use;
    char name[MOST_LINES + 1][32] = {"epoch"};
    const char *columns[MOST_LINES + 1] = {name[0]};
    FILE *page = report->page;
    for (size_t i = 0; i < n; i++) {
        snprintf(name[i + 1], sizeof name[i + 1], "expert %zu", drawn[i]);
        columns[i + 1] = name[i + 1];
    }
    page_details_begin(page, "The numbers of this figure");
    page_table_begin(page, "mean share of experts in the mixture by epoch", n + 1, columns);
    /* As many rows as one may want to read. */
    size_t every = 1 + use->n / MOST_ROWS;
    for (size_t i = 0; i < use->n; i += every) {
        page_raw(page, "<tr><th scope=\"row\">%.0f</th>", use->epoch[i]);
        for (size_t k = 0; k < n; k++)
            page_raw(page, "<td>%.4g</td>", use->g[drawn[k] * use->n + i]);
        page_raw(page, "</tr>\n");
    }
    page_table_end(page);
    page_details_end(page);
}

/* The share of each expert over the epochs. */
static void draw_shares(struct report *report)
{
    const struct use_history *use = &report->use;
    size_t drawn[MOST_LINES], n = choose_drawn(use, drawn), last = use->n - 1, first = 0;
    char name[MOST_LINES][32], description[256];
    const char *names[MOST_LINES];
    struct chart chart = {.page = report->page,
                          .name = "shares",
                          .title = "Share of each expert",
                          .description = description,
                          .x = {.label = "epoch", .least = use->epoch[0], .most = use->epoch[last]},
                          .y = {.label = "mean share in the mixture", .most = 0, .is_tidy = true}};
    COTERIE_ASSERT(n > 0);
    for (size_t i = 0; i < n; i++) {
        snprintf(name[i], sizeof name[i], "expert %zu", drawn[i]);
        names[i] = name[i];
        chart_range(use->n, use->g + drawn[i] * use->n, &chart.y.least, &chart.y.most);
        if (use->g[drawn[i] * use->n + last] > use->g[drawn[first] * use->n + last])
            first = i;
    }
    snprintf(description, sizeof description,
             "Mean mixing proportions g of %s%zu experts; in the end expert %zu has the largest, "
             "%.3g",
             n < use->n_experts ? "the largest " : "all ", n, drawn[first],
             use->g[drawn[first] * use->n + last]);
    chart_begin(&chart);
    for (size_t i = 0; i < n; i++)
        chart_line(&chart, i, use->n, use->epoch, use->g + drawn[i] * use->n);
    chart_legend(&chart, n, names, false);
    write_shares(report, n, drawn);
    chart_end(&chart);
}

/* How many experts took part over the epochs, by two measures. */
static status draw_use(struct report *report)
{
    static const char *const names[] = {"with at least 1 % of an equal share",
                                        "exp(mean entropy of the gate)"};
    double *numbers;
    size_t n = report->history.n;
    status outcome = memory_alloc(&numbers, 3 * n, sizeof *numbers, "the report");
    if (outcome != STATUS_OK)
        return outcome;
    double *epoch = numbers, *used = numbers + n, *entropy = numbers + 2 * n;
    report_column(report, RECORD_N_VALUES, epoch);
    for (size_t i = 0; i < n; i++) {
        used[i] = report->history.record[i].experts_used;
        entropy[i] = exp(report->history.record[i].gate_entropy);
    }
    char description[256];
    struct chart chart = {.page = report->page,
                          .name = "use",
                          .title = "Experts in use",
                          .description = description,
                          .x = {.label = "epoch", .least = epoch[0], .most = epoch[n - 1]},
                          .y = {.label = "experts", .least = 0, .most = 1, .is_tidy = true}};
    snprintf(description, sizeof description,
             "In the end %.0f experts have a share; a sample is divided as among %.3g equal ones",
             used[n - 1], entropy[n - 1]);
    chart_range(n, used, &chart.y.least, &chart.y.most);
    chart_range(n, entropy, &chart.y.least, &chart.y.most);
    page_raw(report->page, "<div class=\"figures\">\n");
    chart_begin(&chart);
    chart_line(&chart, 0, n, epoch, used);
    chart_line(&chart, 1, n, epoch, entropy);
    chart_legend(&chart, 2, names, false);
    chart_end(&chart);
    if (report->use.n > 1)
        draw_shares(report);
    page_raw(report->page, "</div>\n<p>The numbers of experts in use are in the table under "
                           "Learning, as experts_used and gate_entropy.</p>\n");
    memory_free(&numbers);
    return STATUS_OK;
}

static void write_share(FILE *page, double share)
{
    page_raw(page,
             "<td><svg viewBox=\"0 0 100 14\" aria-hidden=\"true\"><rect class=\"bar\" "
             "width=\"%.1f\" height=\"14\"/></svg> ",
             100 * share);
    page_percent(page, share);
    page_raw(page, "</td>");
}

/* The classes that the expert is first for. */
static void write_classes(const struct report *report, size_t e)
{
    const struct expert_use *use = &report->evaluation.use;
    const struct string_list *classes = &report->loaded.record.classes;
    bool any = false;
    page_raw(report->page, "<td class=\"text\">");
    for (size_t c = 0; c < use->n_classes; c++) {
        double n = use->of_class[e * use->n_classes + c];
        if (n == 0)
            continue;
        page_raw(report->page, any ? ", " : "");
        page_text(report->page, classes->item[c]);
        page_raw(report->page, " %.0f", n);
        any = true;
    }
    page_raw(report->page, "</td>");
}

static void write_expert(const struct report *report, size_t e)
{
    const struct expert_use *use = &report->evaluation.use;
    page_raw(report->page, "<tr><th scope=\"row\">%zu%s</th>", e,
             use->is_unused[e] ? " (unused)" : "");
    write_share(report->page, use->g[e] / use->weight);
    write_share(report->page, use->h[e] / use->weight);
    page_number_cell(report->page, use->first[e]);
    if (use->likeness.same_as[e] != e)
        page_raw(report->page, "<td>%zu</td>", use->likeness.same_as[e]);
    else
        page_raw(report->page, "<td></td>");
    if (use->n_classes > 0)
        write_classes(report, e);
    page_raw(report->page, "</tr>\n");
}

/* Whether fewer than EXPERTS_SHOWN have a larger share. */
static bool is_shown(const struct expert_use *use, size_t e)
{
    size_t larger = 0;
    for (size_t f = 0; f < use->n_experts; f++)
        larger += use->g[f] > use->g[e] || (f < e && use->g[f] == use->g[e]);
    return larger < EXPERTS_SHOWN;
}

static void write_table(const struct report *report)
{
    static const char *const columns[] = {"expert",    "mean g",      "mean h",
                                          "first for", "the same as", "of the classes"};
    const struct expert_use *use = &report->evaluation.use;
    page_element(report->page, "p", report->samples_are);
    if (use->n_experts > EXPERTS_SHOWN)
        page_raw(report->page, "<p>The %d of %zu experts with the largest share.</p>\n",
                 EXPERTS_SHOWN, use->n_experts);
    page_table_begin(report->page, "share of each expert in the mixture (g) and the posterior (h)",
                     use->n_classes > 0 ? 6 : 5, columns);
    for (size_t e = 0; e < use->n_experts; e++)
        if (is_shown(use, e))
            write_expert(report, e);
    page_table_end(report->page);
}

status section_experts(struct report *report)
{
    status outcome = report->history.n > 0 ? draw_use(report) : STATUS_OK;
    if (outcome == STATUS_OK && report->has_samples)
        write_table(report);
    return outcome;
}
