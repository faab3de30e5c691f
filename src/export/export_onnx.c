/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The mixture as a graph of ONNX operators: scaling, gate, experts, softmax, the choice of top-k,
 * mean and variance or probabilities. Numbers are of the precision that the model was trained in,
 * but for a Gaussian gate, whose squares need doubles.
 */
#include "export_format.h"

#ifdef COTERIE_ONNX
#include "onnx_graph.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Shapes: N samples, D inputs, E experts, O outputs. */
struct builder {
    const struct exported_model *model;
    struct onnx_graph *graph;
    enum onnx_type type;
    int64_t d, e, o;
};

static const char *node(const struct builder *builder, const char *op, const char *output,
                        const char *a, const char *b)
{
    return onnx_node(builder->graph, op, output, a, b, NULL);
}

static const char *scalar(const struct builder *builder, const char *name, double number)
{
    return onnx_scalar(builder->graph, name, builder->type, number);
}

static const char *axis(const struct builder *builder, const char *name, int64_t number)
{
    return onnx_integers(builder->graph, name, 1, &number);
}

static const char *cast(const struct builder *builder, const char *output, const char *a,
                        enum onnx_type type)
{
    const char *result = node(builder, "Cast", output, a, NULL);
    onnx_attribute(builder->graph, "to", type);
    return result;
}

/* (n) numbers that are formed from the scaler's. */
static const char *row(const struct builder *builder, const char *name, size_t n,
                       const double *numbers)
{
    return onnx_numbers(builder->graph, name, builder->type, 1, (int64_t[]){(int64_t)n}, numbers);
}

/*
 * (x - mean) / scale (N, D). In single precision the mean has two parts, so that an input whose
 * mean is large against its scale loses nothing.
 */
static const char *add_scaling(const struct builder *builder)
{
    const struct scaler *scaler = &builder->model->record.scaler;
    size_t n = scaler->n_inputs;
    double *rest = onnx_scratch(builder->graph, n), *inverse = onnx_scratch(builder->graph, n);
    for (size_t i = 0; i < n && inverse; i++) {
        rest[i] = scaler->x_mean[i] - (double)(float)scaler->x_mean[i];
        inverse[i] = 1 / scaler->x_scale[i];
    }
    const char *x = node(builder, "Sub", "x_moved", "x", row(builder, "x_mean", n, scaler->x_mean));
    if (builder->type == ONNX_FLOAT)
        x = node(builder, "Sub", "x_centred", x, row(builder, "x_mean_rest", n, rest));
    return node(builder, "Mul", "x_scaled", x, row(builder, "x_inverse_scale", n, inverse));
}

/* 1/2 z (1 + erf(z / sqrt 2)); ONNX Runtime has no erf of doubles. */
static const char *add_gelu(const struct builder *builder, const char *name, const char *z)
{
    char part[4][64];
    const char *const suffix[] = {"inner", "erf", "outer", "half"};
    for (int i = 0; i < 4; i++)
        snprintf(part[i], sizeof part[i], "%s_%s", name, suffix[i]);
    const char *inner = node(builder, "Mul", part[0], z, "sqrt_half");
    if (builder->type == ONNX_DOUBLE) {
        char narrow[80], wide[80];
        snprintf(narrow, sizeof narrow, "%s_single", part[0]);
        snprintf(wide, sizeof wide, "%s_single", part[1]);
        inner = cast(builder, narrow, inner, ONNX_FLOAT);
        inner = cast(builder, part[1], node(builder, "Erf", wide, inner, NULL), ONNX_DOUBLE);
    } else {
        inner = node(builder, "Erf", part[1], inner, NULL);
    }
    inner = node(builder, "Add", part[2], inner, "one");
    return node(builder, "Mul", name, node(builder, "Mul", part[3], z, "half"), inner);
}

static const char *add_activation(const struct builder *builder, const char *name, const char *z)
{
    /* By enum activation. */
    static const char *const operators[] = {[ACTIVATION_IDENTITY] = "Identity",
                                            [ACTIVATION_TANH] = "Tanh",
                                            [ACTIVATION_RELU] = "Relu",
                                            [ACTIVATION_GELU] = NULL,
                                            [ACTIVATION_LOGISTIC] = "Sigmoid"};
    const char *op = operators[builder->model->config.activation];
    return op ? node(builder, op, name, z, NULL) : add_gelu(builder, name, z);
}

/* x (N, in) -> z (N, out) */
static const char *add_gate_network(const struct builder *builder, const char *x)
{
    const struct exported_network *network = &builder->model->gate;
    for (int l = 0; l < network->n_layers; l++) {
        const struct exported_layer *layer = &network->layer[l];
        char weight[64], bias[64], z[64], a[64];
        snprintf(weight, sizeof weight, "gate/layer%d/weight", l);
        snprintf(bias, sizeof bias, "gate/layer%d/bias", l);
        snprintf(z, sizeof z, "gate_z%d", l);
        snprintf(a, sizeof a, "gate_a%d", l);
        int64_t dims[] = {(int64_t)layer->out, (int64_t)layer->in};
        const char *w = onnx_numbers(builder->graph, weight, builder->type, 2, dims, layer->weight);
        x = onnx_node(builder->graph, "Gemm", z, x, w, row(builder, bias, layer->out, layer->bias));
        onnx_attribute(builder->graph, "transB", 1);
        if (l + 1 < network->n_layers)
            x = add_activation(builder, a, x);
    }
    return x;
}

/* E matrices (out, in) as (in, out). */
static const double *transposed(const struct builder *builder, size_t out, size_t in,
                                const double *from)
{
    size_t n = (size_t)builder->e;
    double *to = onnx_scratch(builder->graph, n * out * in);
    for (size_t e = 0; e < n && to; e++, from += out * in)
        for (size_t u = 0; u < out; u++)
            for (size_t i = 0; i < in; i++)
                to[(e * in + i) * out + u] = from[u * in + i];
    return to;
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
        const double *weight = transposed(builder, layer->out, layer->in, layer->weight);
        int64_t dims[] = {builder->e, (int64_t)layer->in, (int64_t)layer->out};
        x = node(builder, "MatMul", name[2], x,
                 onnx_numbers(builder->graph, name[0], builder->type, 3, dims, weight));
        dims[1] = 1;
        x = node(builder, "Add", name[3], x,
                 onnx_numbers(builder->graph, name[1], builder->type, 3, dims, layer->bias));
        char a[64];
        snprintf(a, sizeof a, "expert%d_a", l);
        if (l + 1 < network->n_layers)
            x = add_activation(builder, a, x);
    }
    x = node(builder, "Transpose", "z", x, NULL);
    onnx_attribute_list(builder->graph, "perm", 3, (int64_t[]){1, 0, 2});
    return x;
}

/* x (N, D) -> logits (N, E), in double: constant - 1/2 |W (x - m)|^2 */
static const char *add_gaussian_gate(const struct builder *builder, const char *x)
{
    const struct exported_model *model = builder->model;
    struct onnx_graph *graph = builder->graph;
    int64_t of_mean[] = {builder->e, 1, builder->d}, of_w[] = {builder->e, builder->d, builder->d};
    size_t d = (size_t)builder->d;
    if (builder->type == ONNX_FLOAT)
        x = cast(builder, "x_double", x, ONNX_DOUBLE);
    x = node(builder, "Sub", "gate_distance", x,
             onnx_numbers(graph, "gate/mean", ONNX_DOUBLE, 3, of_mean, model->mean));
    x = node(builder, "MatMul", "gate_whitened", x,
             onnx_numbers(graph, "gate/whitener", ONNX_DOUBLE, 3, of_w,
                          transposed(builder, d, d, model->whiten)));
    x = node(builder, "ReduceSumSquare", "gate_square", x, NULL);
    onnx_attribute_list(graph, "axes", 1, (int64_t[]){2});
    onnx_attribute(graph, "keepdims", 0);
    x = node(builder, "Transpose", "gate_squares", x, NULL);
    onnx_attribute_list(graph, "perm", 2, (int64_t[]){1, 0});
    x = node(builder, "Mul", "gate_exponent", x,
             onnx_scalar(graph, "minus_half", ONNX_DOUBLE, -0.5));
    return node(builder, "Add", "gate_logits", x,
                onnx_numbers(graph, "gate/constant", ONNX_DOUBLE, 1, &builder->e, model->constant));
}

/* The softmax of each member of a committee, over their number. */
static const char *add_members(const struct builder *builder, int64_t members, const char *logits,
                               enum onnx_type type)
{
    struct onnx_graph *graph = builder->graph;
    int64_t apart[] = {0, members, builder->e / members}, together[] = {0, builder->e};
    const char *g =
        node(builder, "Reshape", "gate_apart", logits, onnx_integers(graph, "apart", 3, apart));
    g = node(builder, "Softmax", "gate_of_members", g, NULL);
    onnx_attribute(graph, "axis", 2);
    g = node(builder, "Reshape", "gate_together", g, onnx_integers(graph, "together", 2, together));
    return node(builder, "Div", "gate_shares", g,
                onnx_scalar(graph, "members", type, (double)members));
}

/* The k largest share among themselves, ties to the lower number as TopK has it; others get 0. */
static const char *add_choice(const struct builder *builder, const char *g)
{
    struct onnx_graph *graph = builder->graph;
    const char *largest = node(builder, "TopK", "gate_largest", g,
                               axis(builder, "k", (int64_t)builder->model->config.top_k));
    onnx_attribute(graph, "axis", 1);
    const char *which = onnx_second(graph, "gate_which");
    const char *sum = node(builder, "ReduceSum", "gate_sum", largest, "axis_1");
    const char *shares = node(builder, "Div", "gate_chosen", largest, sum);
    const char *none = node(builder, "Sub", "gate_none", g, g);
    const char *result = onnx_node(graph, "ScatterElements", "gate_routed", none, which, shares);
    onnx_attribute(graph, "axis", 1);
    return result;
}

/* g (N, E), named `proportion`. */
static const char *add_gate(const struct builder *builder, const char *x)
{
    const struct model_config *config = &builder->model->config;
    bool is_gaussian = gate_kind_of(config->gate)->is_density;
    enum onnx_type type = is_gaussian ? ONNX_DOUBLE : builder->type;
    const char *g = is_gaussian ? add_gaussian_gate(builder, x) : add_gate_network(builder, x);
    if (model_n_members(config) > 1) {
        g = add_members(builder, (int64_t)model_n_members(config), g, type);
    } else {
        g = node(builder, "Softmax", "gate_softmax", g, NULL);
        onnx_attribute(builder->graph, "axis", 1);
    }
    if (model_is_routed(config))
        g = add_choice(builder, g);
    return type == builder->type ? node(builder, "Identity", "proportion", g, NULL)
                                 : cast(builder, "proportion", g, builder->type);
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

/* y (N, O), o (N, E, O), g (N, E, 1): mean and variance in the units of the data. */
static void add_regression(const struct builder *builder, const char *y, const char *o,
                           const char *g)
{
    const struct scaler *scaler = &builder->model->record.scaler;
    int64_t of_sigma[] = {builder->e, 1};
    const char *mean = row(builder, "y_mean", (size_t)builder->o, scaler->y_mean);
    const char *scale = row(builder, "y_scale", (size_t)builder->o, scaler->y_scale);
    const char *sigma = onnx_numbers(builder->graph, "experts/variance", builder->type, 2, of_sigma,
                                     builder->model->variance);
    node(builder, "Add", "mean", node(builder, "Mul", "y_stretched", y, scale), mean);
    node(builder, "Add", "expert", node(builder, "Mul", "o_stretched", o, scale), mean);
    const char *of_all = node(builder, "Unsqueeze", "y_of_all", y, "axis_1");
    const char *apart = node(builder, "Sub", "o_apart", o, of_all);
    const char *spread = node(builder, "Mul", "o_square", apart, apart);
    spread = node(builder, "Mul", "o_spread", node(builder, "Add", "o_wide", spread, sigma), g);
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
    add_names(builder, "inputs", &record->input_names);
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
    if (model_is_routed(&model->config))
        scalar(builder, "zero", 0);
    if (is_gelu) {
        scalar(builder, "half", 0.5);
        scalar(builder, "sqrt_half", 0.70710678118654752440);
    }
    if (is_gelu || model->two_in_one)
        scalar(builder, "one", 1);
    axis(builder, "axis_1", 1);
}

static void build(const struct builder *builder)
{
    struct onnx_graph *graph = builder->graph;
    int64_t of_x[] = {ONNX_SAMPLES, builder->d};
    onnx_input(graph, "x", builder->type, 2, of_x, "inputs, in the units of the data");
    add_scalars(builder);
    const char *x = add_scaling(builder);
    const char *g =
        node(builder, "Unsqueeze", "g", add_gate(builder, x), axis(builder, "axis_2", 2));
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
             model->config.n_inputs, model->is_double ? "doubles" : "floats",
             !model->is_classifier ? "mean, variance"
             : model->has_class    ? "class, probability"
                                   : "probability");
    return outcome;
}

const struct export_format export_onnx = {".onnx", "protobuf-c and onnx.proto", true, write_onnx};
#else
const struct export_format export_onnx = {".onnx", "protobuf-c and onnx.proto", true, NULL};
#endif
