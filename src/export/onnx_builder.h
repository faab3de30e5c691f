/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_EXPORT_ONNX_BUILDER_H
#define COTERIE_EXPORT_ONNX_BUILDER_H

#include "exported_model.h"
#include "onnx_graph.h"

/* What the parts of a model as an ONNX graph share: values by name, as in onnx_graph.h. Local. */

/* Shapes: N samples, D inputs, E experts, O outputs. */
struct builder {
    const struct exported_model *model;
    struct onnx_graph *graph;
    enum onnx_type type;
    int64_t d, e, o;
};

static inline const char *node(const struct builder *builder, const char *op, const char *output,
                               const char *a, const char *b)
{
    return onnx_node(builder->graph, op, output, a, b, NULL);
}

static inline const char *scalar(const struct builder *builder, const char *name, double number)
{
    return onnx_scalar(builder->graph, name, builder->type, number);
}

static inline const char *axis(const struct builder *builder, const char *name, int64_t number)
{
    return onnx_integers(builder->graph, name, 1, &number);
}

static inline const char *cast(const struct builder *builder, const char *output, const char *a,
                               enum onnx_type type)
{
    const char *result = node(builder, "Cast", output, a, NULL);
    onnx_attribute(builder->graph, "to", type);
    return result;
}

/* (n) numbers that are formed from the scaler's. */
static inline const char *row(const struct builder *builder, const char *name, size_t n,
                              const double *numbers)
{
    return onnx_numbers(builder->graph, name, builder->type, 1, (int64_t[]){(int64_t)n}, numbers);
}

/* E matrices (out, in) as (in, out). */
const double *onnx_transposed(const struct builder *builder, size_t out, size_t in,
                              const double *from);

/* a of hidden units z. */
const char *onnx_activation(const struct builder *builder, const char *name, const char *z);

/* g (N, E), named `proportion`, of scaled x (N, D). */
const char *onnx_gate(const struct builder *builder, const char *x);

#endif
