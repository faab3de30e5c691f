/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The passes in one precision. Included by pass_float.c and pass_double.c, which define SCALAR, the
 * activation functions SCALAR_TANH, SCALAR_EXP and SCALAR_ERF, and PASS, the name of the table.
 */
#include "base/real.h"

#include <string.h>

enum {
    LANES = PASS_LINE / (int)sizeof(SCALAR),
    TILE_LINES = PASS_TILE / LANES, /* lines of a row of a tile */
    BLOCK = 4                       /* units computed together */
};

typedef SCALAR line_of_scalars __attribute__((vector_size(PASS_LINE)));

static size_t padded(size_t n)
{
    return (n + LANES - 1) / LANES * LANES;
}

static void narrow(size_t n, const double *from, void *to)
{
    SCALAR *out = to;
    for (size_t i = 0; i < n; i++)
        out[i] = (SCALAR)from[i];
}

/* z (rows, PASS_TILE) = bias + W a for `rows` units; their sums stay in registers. */
__attribute__((always_inline)) static inline void tile_block(size_t rows, size_t in,
                                                             const SCALAR *weight,
                                                             const SCALAR *bias, const SCALAR *a,
                                                             SCALAR *z)
{
    line_of_scalars sum[BLOCK][TILE_LINES];
    for (size_t r = 0; r < rows; r++)
        for (int j = 0; j < TILE_LINES; j++)
            sum[r][j] = (line_of_scalars){0} + bias[r];
    for (size_t i = 0; i < in; i++) {
        const line_of_scalars *row = (const line_of_scalars *)(a + i * PASS_TILE);
        for (size_t r = 0; r < rows; r++)
            for (int j = 0; j < TILE_LINES; j++)
                sum[r][j] += weight[r * in + i] * row[j];
    }
    for (size_t r = 0; r < rows; r++)
        memcpy(z + r * PASS_TILE, sum[r], sizeof sum[r]);
}

LEAF_KERNEL static void tile_layer(const struct pass_layer *layer, const SCALAR *a, SCALAR *z)
{
    const SCALAR *weight = layer->weight, *bias = layer->bias;
    size_t in = layer->in, u = 0;
    for (; u + BLOCK <= layer->out; u += BLOCK)
        tile_block(BLOCK, in, weight + u * in, bias + u, a, z + u * PASS_TILE);
    for (; u < layer->out; u++)
        tile_block(1, in, weight + u * in, bias + u, a, z + u * PASS_TILE);
}

/* z (lines) = bias + W a for `lines` lines of units. */
__attribute__((always_inline)) static inline void single_block(size_t lines, size_t in, size_t step,
                                                               const SCALAR *weight,
                                                               const SCALAR *bias, const SCALAR *a,
                                                               SCALAR *z)
{
    line_of_scalars sum[BLOCK];
    for (size_t j = 0; j < lines; j++)
        sum[j] = *(const line_of_scalars *)(bias + j * LANES);
    for (size_t i = 0; i < in; i++)
        for (size_t j = 0; j < lines; j++)
            sum[j] += *(const line_of_scalars *)(weight + i * step + j * LANES) * a[i];
    for (size_t j = 0; j < lines; j++)
        *(line_of_scalars *)(z + j * LANES) = sum[j];
}

LEAF_KERNEL static void single_layer(const struct pass_layer *layer, const SCALAR *a, SCALAR *z)
{
    const SCALAR *weight = layer->transposed, *bias = layer->bias;
    size_t in = layer->in, step = layer->out_padded, u = 0;
    for (; u + BLOCK * LANES <= step; u += BLOCK * LANES)
        single_block(BLOCK, in, step, weight + u, bias + u, a, z + u);
    for (; u < step; u += LANES)
        single_block(1, in, step, weight + u, bias + u, a, z + u);
}

LEAF_KERNEL static void tanh_in_place(size_t n, SCALAR *z)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        z[i] = SCALAR_TANH(z[i]);
}

LEAF_KERNEL static void relu_in_place(size_t n, SCALAR *z)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        z[i] = z[i] < 0 ? 0 : z[i]; /* a NaN stays one */
}

static void gelu_in_place(size_t n, SCALAR *z)
{
    for (size_t i = 0; i < n; i++)
        z[i] = (SCALAR)0.5 * z[i] * (1 + SCALAR_ERF(z[i] * (SCALAR)0.70710678118654752440));
}

LEAF_KERNEL static void logistic_in_place(size_t n, SCALAR *z)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        z[i] = 1 / (1 + SCALAR_EXP(-z[i]));
}

/* By enum activation; NULL leaves z as it is. */
static void (*const activate[])(size_t n, SCALAR *z) = {
    [ACTIVATION_IDENTITY] = NULL,
    [ACTIVATION_TANH] = tanh_in_place,
    [ACTIVATION_RELU] = relu_in_place,
    [ACTIVATION_GELU] = gelu_in_place,
    [ACTIVATION_LOGISTIC] = logistic_in_place,
};

static void widen(size_t n, const void *numbers, double *to)
{
    const SCALAR *from = numbers;
    for (size_t i = 0; i < n; i++)
        to[i] = (double)from[i];
}

static void tile(const struct pass_network *network, const void *x, void *work, double *z)
{
    SCALAR *half[2] = {work, (SCALAR *)work + network->widest * PASS_TILE};
    const SCALAR *a = x;
    for (int l = 0; l < network->n_layers; l++) {
        SCALAR *out = half[l % 2];
        tile_layer(&network->layer[l], a, out);
        if (l + 1 < network->n_layers && activate[network->activation])
            activate[network->activation](network->layer[l].out * PASS_TILE, out);
        a = out;
    }
    widen(network->layer[network->n_layers - 1].out * PASS_TILE, a, z);
}

static void single(const struct pass_network *network, const void *x, void *work, double *z)
{
    SCALAR *half[2] = {work, (SCALAR *)work + network->widest};
    const SCALAR *a = x;
    for (int l = 0; l < network->n_layers; l++) {
        SCALAR *out = half[l % 2];
        single_layer(&network->layer[l], a, out);
        if (l + 1 < network->n_layers && activate[network->activation])
            activate[network->activation](network->layer[l].out_padded, out);
        a = out;
    }
    widen(network->layer[network->n_layers - 1].out, a, z);
}

/* Of each hidden layer z and a are kept, one behind the other. */
static void single_keeping(const struct pass_network *network, const void *x, void *kept, double *z)
{
    SCALAR *at = kept;
    const SCALAR *a = x;
    for (int l = 0; l < network->n_layers; l++) {
        size_t n = network->layer[l].out_padded;
        single_layer(&network->layer[l], a, at);
        a = at;
        if (l + 1 < network->n_layers) {
            memcpy(at + n, at, n * sizeof *at);
            if (activate[network->activation])
                activate[network->activation](n, at + n);
            a = at + n;
        }
        at += 2 * n;
    }
    widen(network->layer[network->n_layers - 1].out, a, z);
}

static SCALAR slope_at(enum activation activation, SCALAR z, SCALAR a)
{
    switch (activation) {
    case ACTIVATION_IDENTITY:
        return 1;
    case ACTIVATION_TANH:
        return 1 - a * a;
    case ACTIVATION_RELU:
        return a > 0 ? 1 : 0;
    case ACTIVATION_GELU: /* Phi(z) + z phi(z) */
        return (SCALAR)0.5 * (1 + SCALAR_ERF(z * (SCALAR)0.70710678118654752440)) +
               z * (SCALAR)0.39894228040143267794 * SCALAR_EXP((SCALAR)-0.5 * z * z);
    case ACTIVATION_LOGISTIC:
        return a * (1 - a);
    }
    return 0;
}

/* d (in) = W^T d (out) */
LEAF_KERNEL static void through_layer(const struct pass_layer *layer, const SCALAR *d_out,
                                      SCALAR *d_in)
{
    const SCALAR *weight = layer->weight;
    memset(d_in, 0, layer->in * sizeof *d_in);
    for (size_t u = 0; u < layer->out; u++)
        for (size_t i = 0; i < layer->in; i++)
            d_in[i] += d_out[u] * weight[u * layer->in + i];
}

static void slopes(const struct pass_network *network, const void *kept, void *work, double *slope)
{
    int last = network->n_layers - 1;
    size_t inputs = network->layer[0].in, outputs = network->layer[last].out;
    SCALAR *half[2] = {work, (SCALAR *)work + network->widest};
    const SCALAR *end = kept;
    for (int l = 0; l < last; l++)
        end += 2 * network->layer[l].out_padded;
    for (size_t k = 0; k < outputs; k++, slope += inputs) {
        const SCALAR *at = end;
        SCALAR *d = half[0];
        memset(d, 0, outputs * sizeof *d);
        d[k] = 1;
        for (int l = last; l >= 0; l--) {
            SCALAR *below = half[(last - l + 1) % 2];
            through_layer(&network->layer[l], d, below);
            d = below;
            if (l == 0)
                break;
            size_t n = network->layer[l - 1].out_padded;
            at -= 2 * n;
            for (size_t i = 0; i < network->layer[l].in; i++)
                d[i] *= slope_at(network->activation, at[i], at[n + i]);
        }
        widen(inputs, d, slope);
    }
}

const struct pass PASS = {sizeof(SCALAR), padded, narrow,         widen,
                          tile,           single, single_keeping, slopes};
