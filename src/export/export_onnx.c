/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The mixture as a graph of ONNX operators: scaling, gate, experts, softmax, the choice of top-k,
 * mean and variance or probabilities. Numbers are of the precision that the model was trained in,
 * but for a Gaussian gate, whose squares need doubles.
 */
#include "export_format.h"

#ifdef COTERIE_ONNX
#include "onnx_builder.h"

#include <jansson.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * x (N, columns) -> (N, D): what is missing (NaN) becomes the mean of the input, and the inputs
 * that tell of it are 1 there.
 */
static const char *add_gaps(const struct builder *builder)
{
    const struct gap_inputs *gaps = &builder->model->gaps;
    int64_t columns = (int64_t)gaps->n_own, told = (int64_t)gaps->n;
    double *by_column = onnx_scratch(builder->graph, gaps->n_own * gaps->n);
    double *by_told = onnx_scratch(builder->graph, gaps->n_own * gaps->n);
    for (size_t c = 0; c < gaps->n_own && by_column && by_told; c++)
        for (size_t i = 0; i < gaps->n; i++)
            by_column[c * gaps->n + i] = by_told[i * gaps->n_own + c] =
                builder->model->told_by[c] == i;
    const char *gap =
        cast(builder, "x_gap", node(builder, "IsNaN", "x_is_nan", "x", NULL), builder->type);
    gap = node(builder, "MatMul", "x_gaps", gap,
               onnx_numbers(builder->graph, "told_by", builder->type, 2, (int64_t[]){columns, told},
                            by_column));
    gap = node(builder, "Min", "x_told", gap, "one");
    const char *missing = node(builder, "MatMul", "x_untold", gap,
                               onnx_numbers(builder->graph, "tells_of", builder->type, 2,
                                            (int64_t[]){told, columns}, by_told));
    missing = node(builder, "Greater", "x_is_missing", missing, "zero");
    const char *x =
        onnx_node(builder->graph, "Where", "x_filled", missing,
                  row(builder, "x_fill", gaps->n_own, builder->model->record.scaler.x_mean), "x");
    x = node(builder, "Concat", "x_all", x, gap);
    onnx_attribute(builder->graph, "axis", 1);
    return x;
}

/*
 * (x - mean) / scale (N, D). In single precision the mean has two parts, so that an input whose
 * mean is large against its scale loses nothing.
 */
static const char *add_scaling(const struct builder *builder, const char *x)
{
    const struct scaler *scaler = &builder->model->record.scaler;
    size_t n = scaler->n_inputs;
    double *rest = onnx_scratch(builder->graph, n), *inverse = onnx_scratch(builder->graph, n);
    for (size_t i = 0; i < n && inverse; i++) {
        rest[i] = scaler->x_mean[i] - (double)(float)scaler->x_mean[i];
        inverse[i] = 1 / scaler->x_scale[i];
    }
    x = node(builder, "Sub", "x_moved", x, row(builder, "x_mean", n, scaler->x_mean));
    if (builder->type == ONNX_FLOAT)
        x = node(builder, "Sub", "x_centred", x, row(builder, "x_mean_rest", n, rest));
    return node(builder, "Mul", "x_scaled", x, row(builder, "x_inverse_scale", n, inverse));
}

/* x (N, D) -> z (N, E, O): all experts in one product of matrices a layer, as (E, N, .). */
static const char *add_experts(const struct builder *builder, const char *x)
{
    const struct exported_network *network = &builder->model->experts;
    for (int l = 0; l < network->n_layers; l++) {
        const struct exported_layer *layer = &network->layer[l];
        char name[4][64];
        const char *const suffix[] = {"weight", "bias", "product", "z"};
        for (int i = 0; i < 4; i++)
            snprintf(name[i], sizeof name[i], i < 2 ? "experts/layer%d/%s" : "expert%d_%s", l,
                     suffix[i]);
        const double *weight = onnx_transposed(builder, layer->out, layer->in, layer->weight);
        int64_t dims[] = {builder->e, (int64_t)layer->in, (int64_t)layer->out};
        x = node(builder, "MatMul", name[2], x,
                 onnx_numbers(builder->graph, name[0], builder->type, 3, dims, weight));
        dims[1] = 1;
        x = node(builder, "Add", name[3], x,
                 onnx_numbers(builder->graph, name[1], builder->type, 3, dims, layer->bias));
        char a[64];
        snprintf(a, sizeof a, "expert%d_a", l);
        if (l + 1 < network->n_layers)
            x = onnx_activation(builder, a, x);
    }
    x = node(builder, "Transpose", "z", x, NULL);
    onnx_attribute_list(builder->graph, "perm", 3, (int64_t[]){1, 0, 2});
    return x;
}

/* (E, 1) numbers. */
static const char *of_experts(const struct builder *builder, const char *name,
                              const double *numbers)
{
    return onnx_numbers(builder->graph, name, builder->type, 2, (int64_t[]){builder->e, 1},
                        numbers);
}

/* o (N, E, O) from z; experts that are not chosen say 0. */
static const char *add_output(const struct builder *builder, const char *z, const char *g)
{
    const struct model_config *config = &builder->model->config;
    if (config->output == OUTPUT_LOGISTIC)
        z = node(builder, "Sigmoid", "o_logistic", z, NULL);
    if (config->output == OUTPUT_SOFTMAX) {
        z = node(builder, "Softmax", "o_softmax", z, NULL);
        onnx_attribute(builder->graph, "axis", 2);
    }
    if (config->output == OUTPUT_EXP)
        z = node(builder, "Exp", "o_exp", z, NULL);
    if (builder->model->factor)
        z = node(builder, "Mul", "o_mean", z,
                 of_experts(builder, "experts/mean_factor", builder->model->factor));
    if (!model_is_routed(config))
        return z;
    const char *chosen = node(builder, "Greater", "chosen", g, "zero");
    return onnx_node(builder->graph, "Where", "o_chosen", chosen, z, "zero");
}

static void declare(const struct builder *builder, const char *name, int64_t width,
                    const char *explanation)
{
    int64_t dims[] = {ONNX_SAMPLES, width};
    onnx_output(builder->graph, name, builder->type, 2, dims, explanation);
}

static void declare_experts(const struct builder *builder, int64_t width)
{
    int64_t dims[] = {ONNX_SAMPLES, builder->e, width};
    declare(builder, "proportion", builder->e, "mixing proportions of the experts");
    onnx_output(builder->graph, "expert", builder->type, 3, dims, "what each expert predicts");
}

/* One of the terms of the experts' variances, as (E, 1); NULL if it is 0 for all. */
static const char *add_term(const struct builder *builder, const char *name, size_t term)
{
    size_t n = (size_t)builder->e;
    double *number = onnx_scratch(builder->graph, n);
    bool is_there = false;
    for (size_t e = 0; e < n && number; e++) {
        const struct variance_terms *own = &builder->model->variance[e];
        number[e] = (const double[]){own->constant, own->linear, own->square}[term];
        is_there = is_there || number[e] != 0;
    }
    return is_there ? of_experts(builder, name, number) : NULL;
}

/* The variance of a target about o (N, E, O), by expert: constant + (linear + square o) o. */
static const char *add_own_variance(const struct builder *builder, const char *o)
{
    const char *constant = add_term(builder, "experts/variance", 0);
    const char *linear = add_term(builder, "experts/variance_linear", 1);
    const char *square = add_term(builder, "experts/variance_square", 2);
    const char *slope = square ? node(builder, "Mul", "o_bent", o, square) : linear;
    if (square && linear)
        slope = node(builder, "Add", "o_slope", slope, linear);
    const char *own = slope ? node(builder, "Mul", "o_own", o, slope) : constant;
    return slope && constant ? node(builder, "Add", "o_own_variance", own, constant) : own;
}

static bool has_infinite_variance(const struct exported_model *model)
{
    for (size_t e = 0; e < model->config.n_experts; e++)
        if (isinf(model->variance[e].constant))
            return true;
    return false;
}

/* y (N, O), o (N, E, O), g (N, E, 1): mean and variance in the units of the data. */
static void add_regression(const struct builder *builder, const char *y, const char *o,
                           const char *g)
{
    const struct scaler *scaler = &builder->model->record.scaler;
    const char *mean = row(builder, "y_mean", (size_t)builder->o, scaler->y_mean);
    const char *scale = row(builder, "y_scale", (size_t)builder->o, scaler->y_scale);
    node(builder, "Add", "mean", node(builder, "Mul", "y_stretched", y, scale), mean);
    node(builder, "Add", "expert", node(builder, "Mul", "o_stretched", o, scale), mean);
    const char *of_all = node(builder, "Unsqueeze", "y_of_all", y, "axis_1");
    const char *apart = node(builder, "Sub", "o_apart", o, of_all);
    const char *spread = node(builder, "Mul", "o_square", apart, apart);
    spread = node(builder, "Add", "o_wide", spread, add_own_variance(builder, o));
    spread = node(builder, "Mul", "o_spread", spread, g);
    if (has_infinite_variance(builder->model)) /* what has no share counts for nothing */
        spread = onnx_node(builder->graph, "Where", "o_shared",
                           node(builder, "Greater", "has_share", g, "zero"), spread, "zero");
    spread = node(builder, "ReduceSum", "spread", spread, "axis_1");
    onnx_attribute(builder->graph, "keepdims", 0);
    spread = node(builder, "Mul", "spread_stretched", spread, scale);
    node(builder, "Mul", "variance", spread, scale);
    declare(builder, "mean", builder->o, "of the predictive distribution, of each target");
    declare(builder, "variance", builder->o, "of the predictive distribution, of each target");
    declare_experts(builder, builder->o);
}

/* One output is the probability of the second of two classes. */
static const char *add_both(const struct builder *builder, const char *name, const char *first,
                            const char *p, int64_t dimension)
{
    const char *both = node(builder, "Concat", name, node(builder, "Sub", first, "one", p), p);
    onnx_attribute(builder->graph, "axis", dimension);
    return both;
}

static void add_classes(const struct builder *builder, const char *y, const char *o)
{
    const struct exported_model *model = builder->model;
    int64_t classes = (int64_t)model->names->n, samples = ONNX_SAMPLES;
    if (model->two_in_one) {
        add_both(builder, "probability", "p_first", y, 1);
        add_both(builder, "expert", "o_first", o, 2);
    } else {
        node(builder, "Identity", "probability", y, NULL);
        node(builder, "Identity", "expert", o, NULL);
    }
    if (model->has_class) {
        const char *best = node(builder, "ArgMax", "best", "probability", NULL);
        onnx_attribute(builder->graph, "axis", 1);
        onnx_attribute(builder->graph, "keepdims", 0);
        node(builder, "Gather", "class", onnx_strings(builder->graph, "classes", model->names),
             best);
        onnx_output(builder->graph, "class", ONNX_STRING, 1, &samples, "the most probable class");
    }
    declare(builder, "probability", classes, "of each class");
    declare_experts(builder, classes);
}

static void add_names(const struct builder *builder, const char *key,
                      const struct string_list *names)
{
    json_t *list = json_array();
    for (size_t i = 0; i < names->n; i++)
        if (json_array_append_new(list, json_string(names->item[i])) != 0)
            json_array_append_new(list, json_string("")); /* its bytes are no UTF-8 */
    char *text = json_dumps(list, 0);
    if (text)
        onnx_metadata(builder->graph, key, text);
    free(text);
    json_decref(list);
}

static void add_metadata(const struct builder *builder)
{
    static const char *const keys[] = {"task", "likelihood", "gate", "experts"};
    const struct run_record *record = &builder->model->record;
    const struct string_list columns = {builder->model->gaps.n_own, record->input_names.item};
    add_names(builder, "inputs", &columns);
    const struct string_list units = {columns.n, record->input_units.item};
    if (record->input_units.n > 0)
        add_names(builder, "input_units", &units);
    if (record->target_units.n > 0 && !builder->model->is_classifier)
        add_names(builder, "target_units", &record->target_units);
    add_names(builder, builder->model->is_classifier ? "classes" : "targets",
              builder->model->names);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (run_record_config(record, keys[i]))
            onnx_metadata(builder->graph, keys[i], run_record_config(record, keys[i]));
}

/* Those that are used: ONNX Runtime warns of others. */
static void add_scalars(const struct builder *builder)
{
    const struct exported_model *model = builder->model;
    bool is_deep = model->gate.n_layers > 1 || model->experts.n_layers > 1;
    bool is_gelu = is_deep && model->config.activation == ACTIVATION_GELU;
    bool has_gaps = model->gaps.n > 0;
    if (model_is_routed(&model->config) || has_gaps || has_infinite_variance(model))
        scalar(builder, "zero", 0);
    if (is_gelu) {
        scalar(builder, "half", 0.5);
        scalar(builder, "sqrt_half", 0.70710678118654752440);
    }
    if (is_gelu || model->two_in_one || has_gaps)
        scalar(builder, "one", 1);
    axis(builder, "axis_1", 1);
    axis(builder, "axis_2", 2);
}

static void build(const struct builder *builder)
{
    struct onnx_graph *graph = builder->graph;
    int64_t of_x[] = {ONNX_SAMPLES, (int64_t)builder->model->gaps.n_own};
    onnx_input(graph, "x", builder->type, 2, of_x, "inputs, in the units of the data");
    add_scalars(builder);
    const char *x = add_scaling(builder, builder->model->gaps.n > 0 ? add_gaps(builder) : "x");
    const char *g = node(builder, "Unsqueeze", "g", onnx_gate(builder, x), "axis_2");
    const char *o = add_output(builder, add_experts(builder, x), g);
    const char *y =
        node(builder, "ReduceSum", "y", node(builder, "Mul", "o_weighted", o, g), "axis_1");
    onnx_attribute(graph, "keepdims", 0);
    if (builder->model->is_classifier)
        add_classes(builder, y, o);
    else
        add_regression(builder, y, o, g);
    add_metadata(builder);
}

static status write_onnx(const struct exported_model *model, const char *path, const char *name,
                         char *said, size_t size)
{
    struct builder builder = {.model = model,
                              .type = model->is_double ? ONNX_DOUBLE : ONNX_FLOAT,
                              .d = (int64_t)model->config.n_inputs,
                              .e = (int64_t)model->config.n_experts,
                              .o = (int64_t)model->config.n_outputs};
    status outcome = onnx_graph_create(&builder.graph);
    if (outcome != STATUS_OK)
        return outcome;
    build(&builder);
    outcome = onnx_graph_write(builder.graph, path, name);
    onnx_graph_destroy(&builder.graph);
    snprintf(said, size,
             "operator set 13; input x (samples, %zu) of %s, outputs %s, proportion, expert",
             model->gaps.n_own, model->is_double ? "doubles" : "floats",
             !model->is_classifier ? "mean, variance"
             : model->has_class    ? "class, probability"
                                   : "probability");
    return outcome;
}

const struct export_format export_onnx = {".onnx", "protobuf-c and onnx.proto", true, write_onnx};
#else
const struct export_format export_onnx = {".onnx", "protobuf-c and onnx.proto", true, NULL};
#endif
