/* SPDX-License-Identifier: BSD-3-Clause */
#include "page.h"
#include "report_internal.h"

#include "base/memory.h"

#include <math.h>

/* What fits into a table that can be read. */
enum { INPUTS_SHOWN = 60, EXPERTS_SHOWN = 12, OUTPUTS_SHOWN = 4 };

/*
 * A linear network in the units of the data: z_k = b_k + sum_j w_kj (x_j - m_j) / s_j, times
 * the scale of target k and plus its mean where targets are scaled.
 */
struct linear {
    const struct scaler *scaler;
    const double *weight, *bias; /* (out, in), (out) of one network */
    const struct input_choice *seen;
    size_t n_inputs;
    double scale, mean; /* of the output that is shown */
};

static double slope(const struct linear *net, size_t k, size_t j)
{
    return net->scale * net->weight[k * net->n_inputs + j] / net->scaler->x_scale[j];
}

static double constant(const struct linear *net, size_t k)
{
    double sum = net->bias[k] * net->scale + net->mean;
    for (size_t j = 0; j < net->n_inputs; j++)
        sum -= slope(net, k, j) * net->scaler->x_mean[j];
    return sum;
}

static bool experts_are_linear(const struct report *report)
{
    return report->predictor && predictor_config(report->predictor)->n_expert_hidden == 0;
}

static bool gate_is_linear(const struct report *report)
{
    const struct model_config *config = predictor_config(report->predictor);
    return gate_kind_of(config->gate)->has_log_odds && config->n_gate_hidden == 0;
}

bool report_has_coefficients(const struct report *report)
{
    return experts_are_linear(report) || (report->predictor && gate_is_linear(report));
}

/* One table: rows are inputs, columns the experts; `at` gives the network and output of expert e.
 */
static void write_table(const struct report *report, const char *caption,
                        struct linear (*at)(const struct linear *all, size_t e, size_t *k),
                        const struct linear *all)
{
    const struct run_record *record = predictor_record(report->predictor);
    size_t experts = predictor_config(report->predictor)->n_experts;
    size_t shown = experts < EXPERTS_SHOWN ? experts : EXPERTS_SHOWN, k;
    char names[EXPERTS_SHOWN][24];
    const char *columns[EXPERTS_SHOWN + 1] = {"input"};
    FILE *page = report->page;
    for (size_t e = 0; e < shown; e++) {
        snprintf(names[e], sizeof names[e], "expert %zu", e);
        columns[e + 1] = names[e];
    }
    page_table_begin(page, caption, shown + 1, columns);
    for (size_t j = 0; j <= all->n_inputs && j <= INPUTS_SHOWN; j++) {
        if (j > 0 && !input_choice_has(all->seen, j - 1))
            continue;
        page_raw(page, "<tr><th scope=\"row\">");
        page_text(page, j == 0 ? "(constant)" : record->input_names.item[j - 1]);
        page_raw(page, "</th>");
        for (size_t e = 0; e < shown; e++) {
            struct linear net = at(all, e, &k);
            page_number_cell(page, j == 0 ? constant(&net, k) : slope(&net, k, j - 1));
        }
        page_raw(page, "</tr>\n");
    }
    page_table_end(page);
}

/* The gate is one network with an output for each expert. */
static struct linear gate_of(const struct linear *all, size_t e, size_t *k)
{
    *k = e;
    return *all;
}

/* Experts lie one behind the other; the output is that which `mean` and `scale` were set for. */
struct expert_outputs_shown {
    struct linear net; /* of expert 0; the first member, so that at() finds the rest */
    size_t n_outputs, k;
};

static struct linear expert_of(const struct linear *all, size_t e, size_t *k)
{
    const struct expert_outputs_shown *shown = (const struct expert_outputs_shown *)all;
    struct linear net = *all;
    net.weight += e * shown->n_outputs * all->n_inputs;
    net.bias += e * shown->n_outputs;
    *k = shown->k;
    return net;
}

static void write_experts(const struct report *report, const struct linear *net)
{
    const struct model_config *config = predictor_config(report->predictor);
    const struct run_record *record = predictor_record(report->predictor);
    const struct string_list *names = predictor_class_names(report->predictor);
    bool is_scaled = output_functions[config->output].is_unit_free;
    for (size_t k = 0; k < config->n_outputs && k < OUTPUTS_SHOWN; k++) {
        struct expert_outputs_shown shown = {*net, config->n_outputs, k};
        char caption[400];
        shown.net.scale = is_scaled ? record->scaler.y_scale[k] : 1;
        shown.net.mean = is_scaled ? record->scaler.y_mean[k] : 0;
        const char *name = config->n_outputs == 1 && names->n == 2 ? names->item[1]
                           : k < names->n                          ? names->item[k]
                                                                   : "y";
        snprintf(caption, sizeof caption, "%s of %.200s, for one more unit of the input",
                 is_scaled ? "experts' predictions"
                 : output_functions[config->output].is_log_link
                     ? "logarithms of experts' predictions"
                     : "experts' log-odds",
                 name);
        write_table(report, caption, expert_of, &shown.net);
    }
    if (config->n_outputs > OUTPUTS_SHOWN)
        page_raw(report->page, "<p>The first %d of %zu outputs.</p>\n", OUTPUTS_SHOWN,
                 config->n_outputs);
}

/* Weights and biases of /gate or /experts, with `rows` rows in the outermost dimension. */
static status read_layer(struct hdf5_file *file, const char *network, size_t rows, size_t weights,
                         size_t biases, double **weight, double **bias)
{
    char name[64];
    status outcome = memory_alloc(weight, weights, sizeof **weight, "coefficients");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(bias, biases, sizeof **bias, "coefficients");
    snprintf(name, sizeof name, "/%s/layer0/weight", network);
    if (outcome == STATUS_OK)
        outcome = hdf5_read_rows(file, name, 0, rows, HDF5_AS_DOUBLE, *weight);
    snprintf(name, sizeof name, "/%s/layer0/bias", network);
    return outcome == STATUS_OK ? hdf5_read_rows(file, name, 0, rows, HDF5_AS_DOUBLE, *bias)
                                : outcome;
}

static status write_network(const struct report *report, struct hdf5_file *file, bool of_experts)
{
    const struct model_config *config = predictor_config(report->predictor);
    double *weight = NULL, *bias = NULL;
    size_t rows = config->n_experts, biases = rows * (of_experts ? config->n_outputs : 1);
    status outcome = read_layer(file, of_experts ? "experts" : "gate", rows,
                                biases * config->n_inputs, biases, &weight, &bias);
    if (outcome == STATUS_OK) {
        struct linear net = {.scaler = &predictor_record(report->predictor)->scaler,
                             .weight = weight,
                             .bias = bias,
                             .seen = of_experts ? &config->expert_inputs : &config->gate_inputs,
                             .n_inputs = config->n_inputs,
                             .scale = 1};
        if (of_experts)
            write_experts(report, &net);
        else
            write_table(report, "log-odds of the gate, for one more unit of the input", gate_of,
                        &net);
    }
    memory_free(&weight);
    memory_free(&bias);
    return outcome;
}

status section_coefficients(struct report *report)
{
    struct hdf5_file *file = NULL;
    const struct model_config *config = predictor_config(report->predictor);
    page_raw(report->page, "<p>In the units of the data. ");
    if (config->n_experts > EXPERTS_SHOWN || config->n_inputs > INPUTS_SHOWN)
        page_raw(report->page, "At most %d inputs and %d experts are shown.", INPUTS_SHOWN,
                 EXPERTS_SHOWN);
    page_raw(report->page, "</p>\n");
    status outcome = hdf5_open(report->checkpoint, &file);
    if (outcome == STATUS_OK && experts_are_linear(report))
        outcome = write_network(report, file, true);
    if (outcome == STATUS_OK && gate_is_linear(report))
        outcome = write_network(report, file, false);
    return file ? hdf5_close_after(&file, outcome) : outcome;
}
