/* SPDX-License-Identifier: BSD-3-Clause */
#include "chart.h"
#include "page.h"
#include "response.h"

#include "base/memory.h"

#include <math.h>

/* Inputs whose curves are shown, of those that are tried; targets or classes in a figure. */
enum { INPUTS_SHOWN = 8, INPUTS_TRIED = 256, OUTPUTS_SHOWN = 5 };
/* Experts with a colour of their own in the picture of regions; the rest shares one. */
enum { REGIONS_NAMED = CHART_SERIES - 1, COARSE = 8 };

/* color (E): the classes of the style by how large the experts' regions are. */
static void choose_colors(size_t n_experts, const size_t *area, size_t *color)
{
    for (size_t e = 0; e < n_experts; e++) {
        color[e] = 0;
        for (size_t f = 0; f < n_experts; f++)
            color[e] += area[f] > area[e] || (f < e && area[f] == area[e]);
        if (color[e] > REGIONS_NAMED)
            color[e] = REGIONS_NAMED;
    }
}

/* Runs of one expert in a row are one box. */
static void draw_cells(struct chart *chart, const size_t *first, const size_t *color)
{
    double width = (chart->x.most - chart->x.least) / REGION_GRID;
    double height = (chart->y.most - chart->y.least) / REGION_GRID;
    for (size_t row = 0; row < REGION_GRID; row++)
        for (size_t at = 0, end; at < REGION_GRID; at = end) {
            const size_t *cell = first + row * REGION_GRID;
            char css_class[16];
            for (end = at + 1; end < REGION_GRID && cell[end] == cell[at]; end++)
                continue;
            snprintf(css_class, sizeof css_class, "area a%zu", color[cell[at]]);
            chart_box(chart, css_class, chart->x.least + width * (double)at,
                      chart->y.least + height * (double)row, chart->x.least + width * (double)end,
                      chart->y.least + height * (double)(row + 1));
        }
}

/* Of a cell of the grid. */
static double column_of(size_t cell)
{
    return (double)(cell % REGION_GRID);
}

static double row_of(size_t cell)
{
    size_t row = cell / REGION_GRID;
    return (double)row;
}

/* The number of each named expert in the cell of its region nearest to the middle of that. */
static void name_regions(struct chart *chart, size_t n_experts, const size_t *first,
                         const size_t *area, const size_t *color)
{
    for (size_t e = 0; e < n_experts; e++) {
        double x = 0, y = 0, nearest = INFINITY;
        size_t best = 0;
        char text[24];
        if (area[e] < REGION_GRID || color[e] == REGIONS_NAMED)
            continue;
        for (size_t c = 0; c < REGION_GRID * REGION_GRID; c++) {
            x += first[c] == e ? column_of(c) / (double)area[e] : 0;
            y += first[c] == e ? row_of(c) / (double)area[e] : 0;
        }
        for (size_t c = 0; c < REGION_GRID * REGION_GRID; c++) {
            double distance = hypot(column_of(c) - x, row_of(c) - y);
            if (first[c] == e && distance < nearest) {
                nearest = distance;
                best = c;
            }
        }
        snprintf(text, sizeof text, "%zu", e);
        chart_word(chart,
                   chart->x.least +
                       (chart->x.most - chart->x.least) * (column_of(best) + 0.5) / REGION_GRID,
                   chart->y.least +
                       (chart->y.most - chart->y.least) * (row_of(best) + 0.5) / REGION_GRID,
                   text);
    }
}

/* Every few cells, as numbers; the largest value of the second input on top. */
static void write_regions(const struct chart *chart, const size_t *first)
{
    enum { STEP = REGION_GRID / COARSE };
    char names[COARSE][24];
    const char *columns[COARSE + 1] = {""};
    FILE *page = chart->page;
    for (size_t i = 0; i < COARSE; i++) {
        size_t cell = i * STEP + STEP / 2;
        double at = ((double)cell + 0.5) / REGION_GRID;
        snprintf(names[i], sizeof names[i], "%.4g",
                 chart->x.least + at * (chart->x.most - chart->x.least));
        columns[i + 1] = names[i];
    }
    page_details_begin(page, "The numbers of this figure");
    page_table_begin(page, "first expert by the first input (columns) and the second (rows)",
                     COARSE + 1, columns);
    for (size_t row = COARSE; row-- > 0;) {
        size_t cell = row * STEP + STEP / 2;
        page_raw(page, "<tr><th scope=\"row\">%.4g</th>",
                 chart->y.least +
                     ((double)cell + 0.5) / REGION_GRID * (chart->y.most - chart->y.least));
        for (size_t i = 0; i < COARSE; i++)
            page_raw(page, "<td>%zu</td>", first[cell * REGION_GRID + i * STEP + STEP / 2]);
        page_raw(page, "</tr>\n");
    }
    page_table_end(page);
    page_details_end(page);
}

static void draw_samples(struct chart *chart, const struct report_samples *samples, double *dots)
{
    size_t n = samples->n < REPORT_DOTS ? samples->n : REPORT_DOTS;
    for (size_t i = 0; i < n; i++) {
        dots[i] = samples->x[2 * (i * samples->n / n)];
        dots[REPORT_DOTS + i] = samples->x[2 * (i * samples->n / n) + 1];
    }
    chart_dots(chart, "sample", n, dots, dots + REPORT_DOTS);
}

/* numbers: of cells (REGION_GRID^2), areas (E), colors (E). */
static void draw_regions(struct response *response, size_t *numbers, double *dots)
{
    struct report *report = response->report;
    const struct string_list *inputs = &predictor_record(report->predictor)->input_names;
    size_t n_experts = predictor_config(report->predictor)->n_experts, n_named = 0;
    size_t *first = numbers, *area = first + REGION_GRID * REGION_GRID, *color = area + n_experts;
    char names[CHART_SERIES][32];
    const char *legend[CHART_SERIES];
    struct chart chart = {.page = report->page,
                          .name = "regions",
                          .title = "Regions of the experts",
                          .description = "The expert with the largest share at each point; dots "
                                         "are samples",
                          .x = {.label = inputs->item[0]},
                          .y = {.label = inputs->item[1]}};
    response_regions(response, first);
    for (size_t c = 0; c < REGION_GRID * REGION_GRID; c++)
        area[first[c]]++;
    choose_colors(n_experts, area, color);
    for (size_t e = 0; e < n_experts; e++)
        if (area[e] > 0) {
            n_named = color[e] + 1 > n_named ? color[e] + 1 : n_named;
            snprintf(names[color[e]], sizeof names[0],
                     color[e] == REGIONS_NAMED ? "other experts" : "expert %zu", e);
            legend[color[e]] = names[color[e]];
        }
    response_range(report, 0, &chart.x.least, &chart.x.most);
    response_range(report, 1, &chart.y.least, &chart.y.most);
    chart_begin(&chart);
    draw_cells(&chart, first, color);
    draw_samples(&chart, &report->samples, dots);
    name_regions(&chart, n_experts, first, area, color);
    chart_legend(&chart, n_named, legend, true);
    write_regions(&chart, first);
    chart_end(&chart);
}

static status regions(struct response *response)
{
    size_t n_experts = predictor_config(response->report->predictor)->n_experts, *numbers = NULL;
    double *dots = NULL;
    status outcome = memory_alloc(&numbers, REGION_GRID * REGION_GRID + 2 * n_experts,
                                  sizeof *numbers, "the report");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&dots, 2 * (size_t)REPORT_DOTS, sizeof *dots, "the report");
    if (outcome == STATUS_OK)
        draw_regions(response, numbers, dots);
    memory_free(&numbers);
    memory_free(&dots);
    return outcome;
}

static void write_means(FILE *page, const char *input, size_t n_shown, size_t n_outputs,
                        const char *const *names, const double *values, const double *means)
{
    const char *columns[OUTPUTS_SHOWN + 1] = {input};
    for (size_t k = 0; k < n_shown; k++)
        columns[k + 1] = names[k];
    page_details_begin(page, "The numbers of this figure");
    page_table_begin(page, "mean prediction by the input", n_shown + 1, columns);
    for (size_t i = 0; i < RESPONSE_GRID; i++) {
        page_raw(page, "<tr>");
        page_number_cell(page, values[i]);
        for (size_t k = 0; k < n_shown; k++)
            page_number_cell(page, means[i * n_outputs + k]);
        page_raw(page, "</tr>\n");
    }
    page_table_end(page);
    page_details_end(page);
}

/* The outputs in one figure if they are probabilities, else the first target. */
static void draw_input(struct response *response, size_t j, const double *values,
                       const double *means, double *line)
{
    struct report *report = response->report;
    bool is_classifier = predictor_is_classifier(report->predictor);
    const struct string_list *outputs = predictor_class_names(report->predictor);
    const struct string_list *inputs = &predictor_record(report->predictor)->input_names;
    size_t n_outputs = report->samples.n_outputs, n = is_classifier ? n_outputs : 1;
    const char *names[OUTPUTS_SHOWN] = {NULL};
    char name[32], title[600], description[200];
    n = n < OUTPUTS_SHOWN ? n : OUTPUTS_SHOWN;
    for (size_t k = 0; k < n; k++)
        names[k] = outputs->item[n_outputs == 1 && outputs->n == 2 ? 1 : k];
    snprintf(name, sizeof name, "input%zu", j);
    snprintf(title, sizeof title, "%s by %.250s",
             is_classifier ? "Mean probabilities" : "Mean prediction", inputs->item[j]);
    snprintf(description, sizeof description,
             "Partial dependence: means over %zu samples in which only this input is changed",
             response->base);
    struct chart chart = {
        .page = report->page,
        .name = name,
        .title = title,
        .description = description,
        .x = {.label = inputs->item[j], .least = values[0], .most = values[RESPONSE_GRID - 1]},
        .y = {.label = is_classifier ? "probability" : names[0],
              .least = is_classifier ? 0 : INFINITY,
              .most = is_classifier ? 1 : -INFINITY,
              .is_tidy = true}};
    for (size_t i = 0; i < RESPONSE_GRID && !is_classifier; i++)
        chart_range(1, means + i * n_outputs, &chart.y.least, &chart.y.most);
    chart_begin(&chart);
    for (size_t k = 0; k < n; k++) {
        for (size_t i = 0; i < RESPONSE_GRID; i++)
            line[i] = means[i * n_outputs + k];
        chart_line(&chart, k, RESPONSE_GRID, values, line);
    }
    chart_legend(&chart, is_classifier ? n : 0, names, false);
    write_means(report->page, inputs->item[j], n, n_outputs, names, values, means);
    chart_end(&chart);
}

/* How far the means of the outputs move with an input, in the units of the widest output. */
static double spread_of(const double *means, size_t n_outputs, bool is_classifier)
{
    double spread = 0;
    for (size_t k = 0; k < (is_classifier ? n_outputs : 1); k++) {
        double least = INFINITY, most = -INFINITY;
        for (size_t i = 0; i < RESPONSE_GRID; i++)
            chart_range(1, means + i * n_outputs + k, &least, &most);
        spread = fmax(spread, most - least);
    }
    return spread;
}

/* numbers: for each input values, means and its spread; and a line. */
static void draw_inputs(struct response *response, size_t tried, double *numbers)
{
    struct report *report = response->report;
    size_t n_outputs = report->samples.n_outputs, own = RESPONSE_GRID * (1 + n_outputs);
    double *spread = numbers + tried * own, *line = spread + tried;
    for (size_t j = 0; j < tried; j++) {
        double *values = numbers + j * own;
        response_of_input(response, j, values, values + RESPONSE_GRID);
        spread[j] = spread_of(values + RESPONSE_GRID, n_outputs,
                              predictor_is_classifier(report->predictor));
    }
    for (size_t shown = 0; shown < tried && shown < INPUTS_SHOWN; shown++) {
        size_t best = 0;
        for (size_t j = 1; j < tried; j++)
            if (spread[j] > spread[best])
                best = j;
        double *values = numbers + best * own;
        spread[best] = -1;
        draw_input(response, best, values, values + RESPONSE_GRID, line);
    }
}

static status dependence(struct response *response)
{
    double *numbers;
    const struct report_samples *samples = &response->report->samples;
    size_t tried = samples->n_inputs < INPUTS_TRIED ? samples->n_inputs : INPUTS_TRIED;
    size_t own = RESPONSE_GRID * (1 + samples->n_outputs) + 1;
    status outcome =
        memory_alloc(&numbers, tried * own + RESPONSE_GRID, sizeof *numbers, "the report");
    if (outcome == STATUS_OK)
        draw_inputs(response, tried, numbers);
    memory_free(&numbers);
    return outcome;
}

status section_response(struct report *report)
{
    struct response response;
    FILE *page = report->page;
    size_t n_inputs = report->samples.n_inputs;
    page_element(page, "p", report->samples_are);
    if (n_inputs > INPUTS_SHOWN)
        page_raw(page, "<p>Of %zu inputs the %d that move the mean prediction most%s.</p>\n",
                 n_inputs, INPUTS_SHOWN, n_inputs > INPUTS_TRIED ? ", among the first 256" : "");
    page_raw(page, "<div class=\"figures\">\n");
    status outcome = response_init(&response, report);
    if (outcome == STATUS_OK && n_inputs == 2)
        outcome = regions(&response);
    if (outcome == STATUS_OK)
        outcome = dependence(&response);
    page_raw(page, "</div>\n");
    response_release(&response);
    return outcome;
}
