/* SPDX-License-Identifier: BSD-3-Clause */
#include "page.h"
#include "report_internal.h"

#include "base/memory.h"

#include <math.h>

/* The groups with the largest error, of many. */
enum { GROUPS_SHOWN = 20 };

static void write_row(FILE *page, const char *name, double n, const struct metrics_record *record)
{
    page_raw(page, "<tr><th scope=\"row\">");
    page_text(page, name);
    page_raw(page, "</th>");
    page_number_cell(page, n);
    page_number_cell(page, record->error);
    page_number_cell(page, record->nll);
    page_number_cell(page, record->expected_square);
    page_number_cell(page, record->rmse);
    page_raw(page, "<td>");
    page_percent(page, record->accuracy);
    page_raw(page, "</td></tr>\n");
}

static status write_groups(struct report *report, const char *const *columns)
{
    const struct evaluation *evaluation = &report->evaluation;
    const struct string_list *names = &source_info(report->loaded.source)->group_names;
    const struct metrics **order;
    size_t n = 0;
    status outcome = evaluation_order_groups(evaluation, &order, &n);
    if (outcome != STATUS_OK)
        return outcome;
    page_table_begin(report->page, "groups, those with the largest error first", 7, columns);
    for (size_t i = 0; i < n && i < GROUPS_SHOWN; i++) {
        struct metrics_record record;
        evaluation_summarise(evaluation, order[i], &record);
        write_row(report->page, names->item[order[i] - evaluation->groups], order[i]->weight,
                  &record);
    }
    page_table_end(report->page);
    memory_free(&order);
    return STATUS_OK;
}

status section_quality(struct report *report)
{
    static const char *const columns[] = {"",     "samples", "error", "nll", "expected square",
                                          "rmse", "accuracy"};
    const struct evaluation *evaluation = &report->evaluation;
    double n = (double)report->loaded.samples.dataset.shape.n;
    struct metrics_record record;
    page_element(report->page, "p", report->samples_are);
    page_table_begin(report->page, "errors", 7, columns);
    evaluation_summarise(evaluation, &evaluation->all, &record);
    write_row(report->page, "this model", n, &record);
    struct metrics_record baseline = {.error = NAN,
                                      .nll = NAN,
                                      .expected_square = NAN,
                                      .rmse = evaluation->baseline.rmse,
                                      .accuracy = evaluation->baseline.accuracy};
    write_row(report->page, "always the same answer", n, &baseline);
    page_table_end(report->page);
    return evaluation->n_groups > 0 ? write_groups(report, columns) : STATUS_OK;
}
