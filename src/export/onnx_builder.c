/* SPDX-License-Identifier: BSD-3-Clause */
#include "onnx_builder.h"

#ifdef COTERIE_ONNX
#include <stdio.h>

/* E matrices (out, in) as (in, out). */
const double *onnx_transposed(const struct builder *builder, size_t out, size_t in,
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

const char *onnx_activation(const struct builder *builder, const char *name, const char *z)
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
#endif
