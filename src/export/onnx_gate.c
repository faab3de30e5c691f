/* SPDX-License-Identifier: BSD-3-Clause */
/* The gates as ONNX operators: networks, Gaussians, trees, committees, and the choice of top-k. */
#include "onnx_builder.h"

#ifdef COTERIE_ONNX
#include <stdint.h>
#include <stdio.h>

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
            x = onnx_activation(builder, a, x);
    }
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
                          onnx_transposed(builder, d, d, model->whiten)));
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

/*
 * A tree: the softmax of each node, and of an expert the product of those on its path. Level by
 * level, (N, nodes) becomes (N, branches), which are the nodes of the next.
 */
static const char *add_tree(const struct builder *builder, const char *logits)
{
    struct onnx_graph *graph = builder->graph;
    const struct gate_levels *levels = &builder->model->config.gate_levels;
    const char *g = NULL;
    int64_t nodes = 1, from = 0;
    for (size_t l = 0; l < levels->n; l++) {
        enum { STARTS, ENDS, SHAPE, WIDTH, LEVEL, APART, P, ABOVE, PATHS, G, N_NAMES };
        static const char *const part[] = {"starts", "ends", "shape", "width", "level",
                                           "apart",  "p",    "above", "paths", "g"};
        char name[N_NAMES][64];
        for (int i = 0; i < N_NAMES; i++)
            snprintf(name[i], sizeof name[i], "tree%zu_%s", l, part[i]);
        int64_t own = (int64_t)levels->branches[l], to = from + nodes * own;
        const char *starts = onnx_integers(graph, name[STARTS], 2, (int64_t[]){0, from});
        const char *ends = onnx_integers(graph, name[ENDS], 2, (int64_t[]){INT64_MAX, to});
        const char *p = onnx_node(graph, "Slice", name[LEVEL], logits, starts, ends);
        p = node(builder, "Reshape", name[APART], p,
                 onnx_integers(graph, name[SHAPE], 3, (int64_t[]){0, nodes, own}));
        p = node(builder, "Softmax", name[P], p, NULL);
        onnx_attribute(graph, "axis", 2);
        if (g)
            p = node(builder, "Mul", name[PATHS], p,
                     node(builder, "Unsqueeze", name[ABOVE], g, "axis_2"));
        nodes *= own;
        from = to;
        g = node(builder, "Reshape", name[G], p,
                 onnx_integers(graph, name[WIDTH], 2, (int64_t[]){0, nodes}));
    }
    return g;
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

const char *onnx_gate(const struct builder *builder, const char *x)
{
    const struct model_config *config = &builder->model->config;
    bool is_gaussian = gate_kind_of(config->gate)->is_density;
    enum onnx_type type = is_gaussian ? ONNX_DOUBLE : builder->type;
    const char *g = is_gaussian ? add_gaussian_gate(builder, x) : add_gate_network(builder, x);
    if (config->gate_levels.n > 0) {
        g = add_tree(builder, g);
    } else if (model_n_members(config) > 1) {
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
#endif
