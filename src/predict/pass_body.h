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

_Static_assert((int)BLOCK <= (int)PASS_GROUP, "work space has PASS_GROUP rows");

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

/* The same for `lines` lines of units of PASS_GROUP networks; a (PASS_GROUP, a_step) or one a. */
__attribute__((always_inline)) static inline void group_block(size_t lines, size_t u, int l,
                                                              const struct pass_network *network,
                                                              const SCALAR *a, size_t a_step,
                                                              SCALAR *z)
{
    line_of_scalars sum[PASS_GROUP][2];
    const SCALAR *weight[PASS_GROUP];
    size_t in = network->layer[l].in, step = network->layer[l].out_padded;
    for (size_t r = 0; r < PASS_GROUP; r++) {
        weight[r] = (const SCALAR *)network[r].layer[l].transposed + u;
        for (size_t j = 0; j < lines; j++)
            sum[r][j] = *(const line_of_scalars *)((const SCALAR *)network[r].layer[l].bias + u +
                                                   j * LANES);
    }
    for (size_t i = 0; i < in; i++)
        for (size_t r = 0; r < PASS_GROUP; r++)
            for (size_t j = 0; j < lines; j++)
                sum[r][j] += *(const line_of_scalars *)(weight[r] + i * step + j * LANES) *
                             a[r * a_step + i];
    for (size_t r = 0; r < PASS_GROUP; r++)
        for (size_t j = 0; j < lines; j++)
            *(line_of_scalars *)(z + r * step + u + j * LANES) = sum[r][j];
}

LEAF_KERNEL static void group_layer(const struct pass_network *network, int l, const SCALAR *a,
                                    size_t a_step, SCALAR *z)
{
    size_t step = network->layer[l].out_padded, u = 0;
    for (; u + 2 * LANES <= step; u += 2 * LANES)
        group_block(2, u, l, network, a, a_step, z);
    for (; u < step; u += LANES)
        group_block(1, u, l, network, a, a_step, z);
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

/* Layer l of n networks: z (n, out_padded); of the first layer all have the same a. */
static void layer_of_each(const struct pass_network *network, size_t n, int l, const SCALAR *a,
                          SCALAR *z)
{
    size_t a_step = l > 0 ? network->layer[l - 1].out_padded : 0;
    if (n == PASS_GROUP)
        group_layer(network, l, a, a_step, z);
    else
        for (size_t r = 0; r < n; r++)
            single_layer(&network[r].layer[l], a + r * a_step,
                         z + r * network->layer[l].out_padded);
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

/* The outputs z (n, O) in double. */
static void widen_each(const struct pass_layer *layer, size_t n, const SCALAR *from, double *z)
{
    for (size_t r = 0; r < n; r++)
        widen(layer->out, from + r * layer->out_padded, z + r * layer->out);
}

static void single(const struct pass_network *network, size_t n, const void *x, void *work,
                   double *z)
{
    SCALAR *half[2] = {work, (SCALAR *)work + n * network->widest};
    const SCALAR *a = x;
    for (int l = 0; l < network->n_layers; l++) {
        SCALAR *out = half[l % 2];
        layer_of_each(network, n, l, a, out);
        if (l + 1 < network->n_layers && activate[network->activation])
            activate[network->activation](n * network->layer[l].out_padded, out);
        a = out;
    }
    widen_each(&network->layer[network->n_layers - 1], n, a, z);
}

/* Of each layer z (n, out_padded) and a are kept, one behind the other. */
static void single_keeping(const struct pass_network *network, size_t n, const void *x, void *kept,
                           double *z)
{
    SCALAR *at = kept;
    const SCALAR *a = x;
    for (int l = 0; l < network->n_layers; l++) {
        size_t size = n * network->layer[l].out_padded;
        layer_of_each(network, n, l, a, at);
        a = at;
        if (l + 1 < network->n_layers) {
            memcpy(at + size, at, size * sizeof *at);
            if (activate[network->activation])
                activate[network->activation](size, at + size);
            a = at + size;
        }
        at += 2 * size;
    }
    widen_each(&network->layer[network->n_layers - 1], n, a, z);
}

LEAF_KERNEL static void tanh_slope(size_t n, const SCALAR *z, const SCALAR *a, SCALAR *slope)
{
    (void)z;
    for (size_t i = 0; i < n; i++)
        slope[i] = 1 - a[i] * a[i];
}

static void relu_slope(size_t n, const SCALAR *z, const SCALAR *a, SCALAR *slope)
{
    (void)z;
    for (size_t i = 0; i < n; i++)
        slope[i] = a[i] > 0 ? 1 : 0;
}

/* Phi(z) + z phi(z) */
static void gelu_slope(size_t n, const SCALAR *z, const SCALAR *a, SCALAR *slope)
{
    (void)a;
    for (size_t i = 0; i < n; i++)
        slope[i] = (SCALAR)0.5 * (1 + SCALAR_ERF(z[i] * (SCALAR)0.70710678118654752440)) +
                   z[i] * (SCALAR)0.39894228040143267794 * SCALAR_EXP((SCALAR)-0.5 * z[i] * z[i]);
}

static void logistic_slope(size_t n, const SCALAR *z, const SCALAR *a, SCALAR *slope)
{
    (void)z;
    for (size_t i = 0; i < n; i++)
        slope[i] = a[i] * (1 - a[i]);
}

/* By enum activation: da/dz; NULL: 1. */
static void (*const slope_of[])(size_t n, const SCALAR *z, const SCALAR *a, SCALAR *slope) = {
    [ACTIVATION_IDENTITY] = NULL,           [ACTIVATION_TANH] = tanh_slope,
    [ACTIVATION_RELU] = relu_slope,         [ACTIVATION_GELU] = gelu_slope,
    [ACTIVATION_LOGISTIC] = logistic_slope,
};

/*
 * d_in = d_out W for `rows` rows, `step` apart. A line of a row of W may reach into what lies
 * behind W, which are numbers of the same network: what comes of them is not looked at.
 */
__attribute__((always_inline)) static inline void through_block(size_t rows, size_t step,
                                                                const struct pass_layer *layer,
                                                                const SCALAR *d_out, SCALAR *d_in)
{
    const SCALAR *weight = layer->weight;
    size_t in = layer->in;
    for (size_t i = 0; i < in; i += LANES) {
        line_of_scalars sum[BLOCK] = {{0}}, line;
        for (size_t u = 0; u < layer->out; u++) {
            memcpy(&line, weight + u * in + i, sizeof line);
            for (size_t r = 0; r < rows; r++)
                sum[r] += line * d_out[r * step + u];
        }
        for (size_t r = 0; r < rows; r++)
            *(line_of_scalars *)(d_in + r * step + i) = sum[r];
    }
}

LEAF_KERNEL static void through_layer(size_t rows, size_t step, const struct pass_layer *layer,
                                      const SCALAR *d_out, SCALAR *d_in)
{
    if (rows == BLOCK)
        through_block(BLOCK, step, layer, d_out, d_in);
    else
        for (size_t r = 0; r < rows; r++)
            through_block(1, step, layer, d_out + r * step, d_in + r * step);
}

/* d (rows, step) becomes d * slope (n). */
LEAF_KERNEL static void bend(size_t rows, size_t step, size_t n, const SCALAR *slope, SCALAR *d)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < n; i++)
            d[r * step + i] *= slope[i];
}

static void slopes(const struct pass_network *network, size_t n, size_t which, const void *kept,
                   void *work, double *slope)
{
    const struct pass_layer *layer = network[which].layer;
    int last = network->n_layers - 1;
    size_t inputs = layer[0].in, outputs = layer[last].out, step = network->widest;
    SCALAR *half[2] = {work, (SCALAR *)work + BLOCK * step}, *own = half[1] + BLOCK * step;
    const SCALAR *end = kept;
    for (int l = 0; l < last; l++)
        end += 2 * n * layer[l].out_padded;
    for (size_t k = 0; k < outputs; k += BLOCK) {
        size_t rows = outputs - k < BLOCK ? outputs - k : BLOCK;
        const SCALAR *at = end, *weight = (const SCALAR *)layer[last].weight + k * layer[last].in;
        SCALAR *d = half[0], *below = half[1];
        for (size_t r = 0; r < rows; r++)
            memcpy(d + r * step, weight + r * layer[last].in, layer[last].in * sizeof *d);
        for (int l = last; l > 0; l--) {
            size_t padded_width = layer[l - 1].out_padded;
            at -= 2 * n * padded_width;
            if (slope_of[network->activation]) {
                slope_of[network->activation](layer[l].in, at + which * padded_width,
                                              at + (n + which) * padded_width, own);
                bend(rows, step, layer[l].in, own, d);
            }
            through_layer(rows, step, &layer[l - 1], d, below);
            SCALAR *swap = d;
            d = below;
            below = swap;
        }
        for (size_t r = 0; r < rows; r++)
            widen(inputs, d + r * step, slope + (k + r) * inputs);
    }
}

const struct pass PASS = {sizeof(SCALAR), padded, narrow,         widen,
                          tile,           single, single_keeping, slopes};
