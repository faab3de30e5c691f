/* SPDX-License-Identifier: BSD-3-Clause */
#include "mlp_bf16.h"

#ifndef COTERIE_DOUBLE
#include "math/bf16_activation.h"
#include "math/transpose.h"
#include "mlp_tiles.h"

/* The first hidden layer goes backwards as many units at a time. */
enum { ROWS = 64 };

/* Deltas of a layer, rounded in both ways in which products take them. */
struct deltas {
    bf16_pair *units;   /* (pairs of units, samples), tile by tile: for those of the layer below */
    bf16_pair *samples; /* (pairs of samples, units): for the gradient of the weights */
};

/* Work space, for one network at a time. */
struct space {
    bf16_pair
        *weight[MLP_MAX_LAYERS];     /* W_l (out, pairs of in); backward W_l^T (in, pairs of out) */
    bf16_pair *units[2];             /* a of hidden layers, in turn: (pairs of units, tile) */
    struct deltas above;             /* of the second layer of weights, all tiles */
    struct deltas tile;              /* of those above it, one tile */
    bf16_pair *a_rows, *d_rows;      /* (units, pairs of samples): ROWS units, or of one tile */
    float *d[2];                     /* deltas of a tile, in turn */
    float *d_block;                  /* deltas of ROWS units of the first layer, all tiles */
    float *transposed;               /* weights (in, out), or deltas (samples, units) of a tile */
    float *gradient[MLP_MAX_LAYERS]; /* dW_l^T (in, out), l > 0 */
};

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* The next `reals` of the work space at `base`; NULL where only its size is wanted. */
static void *take(float *base, size_t *used, size_t reals)
{
    void *place = base ? base + *used : NULL;
    *used += real_padded(reals);
    return place;
}

/* Lays the work space out from `base`; returns its reals. */
static size_t map_space(const struct mlp *mlp, size_t stride, float *base, struct space *space)
{
    size_t used = 0, tile = inputs_tile(mlp->width[0], stride), widest = 0, matrix = 0;
    for (int l = 0; l < mlp->n_layers; l++) {
        size_t in = mlp->width[l], out = mlp->width[l + 1];
        widest = larger(widest, out);
        matrix = larger(matrix, l > 0 ? in * out : 0);
        space->weight[l] =
            take(base, &used, larger(out * bf16_pairs(in), l > 0 ? in * bf16_pairs(out) : 0));
        space->gradient[l] = take(base, &used, l > 0 ? in * out : 0);
    }
    /* Without hidden layers, or with one, some parts are not needed. */
    size_t hidden = mlp->n_layers > 1 ? 1 : 0, deep = mlp->n_layers > 2 ? 1 : 0;
    size_t above = hidden * mlp->width[hidden + 1];
    size_t rows = larger(ROWS * stride, deep * widest * tile) / 2;
    for (size_t i = 0; i < 2; i++) {
        space->units[i] = take(base, &used, hidden * bf16_pairs(widest) * tile);
        space->d[i] = take(base, &used, deep * widest * tile);
    }
    space->above.units = take(base, &used, bf16_pairs(above) * stride);
    space->above.samples = take(base, &used, above * stride / 2);
    space->tile.units = take(base, &used, deep * bf16_pairs(widest) * tile);
    space->tile.samples = take(base, &used, deep * widest * tile / 2);
    space->a_rows = take(base, &used, rows);
    space->d_rows = take(base, &used, larger(rows, mlp->width[mlp->n_layers] * stride / 2));
    space->d_block = take(base, &used, hidden * ROWS * stride);
    space->transposed = take(base, &used, larger(matrix, widest * tile));
    return used;
}

size_t mlp_bf16_scratch(const struct mlp *mlp, size_t stride)
{
    struct space unused = {0};
    return map_space(mlp, stride, NULL, &unused);
}

/* C (m, n) = A B or C += A B; rows of A and B follow each other. */
static void multiply(size_t m, size_t n, size_t pairs, const bf16_pair *a, const bf16_pair *b,
                     bool add, float *c, size_t ldc)
{
    const struct bf16_shape shape = {m, n, pairs, pairs, n, ldc};
    bf16_multiply(&shape, a, b, add, c);
}

void mlp_bf16_forward(const struct mlp *mlp, const struct mlp_plan *plan, const real *parameters,
                      const struct inputs *x, real *memory, real *scratch, real *z)
{
    int last = mlp->n_layers - 1;
    size_t stride = plan->stride, w;
    struct space space = {0};
    map_space(mlp, stride, scratch, &space);
    for (int l = 0; l <= last; l++)
        bf16_round_rows(mlp->width[l + 1], mlp->width[l], parameters + mlp->weight_at[l],
                        mlp->width[l], space.weight[l], bf16_pairs(mlp->width[l]));
    for (size_t at = 0; at < stride; at += w) {
        w = tile_width(plan, at);
        const bf16_pair *input = x->unit_pairs + at * bf16_pairs(mlp->width[0]);
        for (int l = 0; l < last; l++) {
            size_t in = mlp->width[l], out = mlp->width[l + 1];
            struct hidden_tile hidden = hidden_tile(mlp, l, stride, at);
            multiply(out, w, bf16_pairs(in), space.weight[l], input, false, memory + hidden.z, w);
            bf16_activate(mlp->hidden_activation, out, w, parameters + mlp->bias_at[l],
                          memory + hidden.z, memory + hidden.a, space.units[l % 2]);
            input = space.units[l % 2];
        }
        multiply(mlp->width[last + 1], w, bf16_pairs(mlp->width[last]), space.weight[last], input,
                 false, z + at, stride);
    }
    activation_forward(ACTIVATION_IDENTITY, mlp->width[last + 1], stride,
                       parameters + mlp->bias_at[last], z, z);
}

/* d (out, w) of a tile. */
static void round_deltas(size_t out, size_t w, const float *d, size_t ld, float *transposed,
                         const struct deltas *to)
{
    bf16_pair_rows(out, w, d, ld, to->units, w);
    transpose(out, w, d, ld, transposed, out);
    bf16_pair_rows(w, out, transposed, out, to->samples, out);
}

/*
 * One tile, from d_z down to the deltas of the second layer of weights, which are rounded; the
 * gradients of the layers above it add up.
 */
static void backward_tile(const struct mlp *mlp, const struct mlp_plan *plan, size_t at,
                          const real *memory, const real *d_z, real keep, const struct space *space,
                          real *gradient)
{
    size_t ld = plan->stride, w = tile_width(plan, at);
    const float *d = d_z + at;
    for (int l = mlp->n_layers - 1; l > 1; l--) {
        size_t in = mlp->width[l], out = mlp->width[l + 1];
        struct hidden_tile below = hidden_tile(mlp, l - 1, plan->stride, at);
        float *d_below = space->d[l % 2];
        round_deltas(out, w, d, ld, space->transposed, &space->tile);
        bf16_round_rows(in, w, memory + below.a, w, space->a_rows, w / 2);
        multiply(in, out, w / 2, space->a_rows, space->tile.samples, at > 0, space->gradient[l],
                 out);
        multiply(in, w, bf16_pairs(out), space->weight[l], space->tile.units, false, d_below, w);
        activation_backward(mlp->hidden_activation, in, w, memory + below.z, memory + below.a,
                            d_below);
        activation_row_sums(in, w, d_below, at > 0 ? 1 : keep, gradient + mlp->bias_at[l - 1]);
        d = d_below;
        ld = w;
    }
    const struct deltas of_tile = {space->above.units + at * bf16_pairs(mlp->width[2]),
                                   space->above.samples + at / 2 * mlp->width[2]};
    round_deltas(mlp->width[2], w, d, ld, space->transposed, &of_tile);
}

/* The deltas of `rows` units of the first layer from `row` on, and a beside them, rounded. */
static void block_deltas(const struct mlp *mlp, const struct mlp_plan *plan, size_t row,
                         size_t rows, const real *memory, const struct space *space)
{
    size_t stride = plan->stride, pairs = bf16_pairs(mlp->width[2]), w;
    for (size_t at = 0; at < stride; at += w) {
        w = tile_width(plan, at);
        struct hidden_tile below = hidden_tile(mlp, 0, stride, at);
        const float *a = memory + below.a + row * w;
        float *d = space->d_block + at * rows;
        multiply(rows, w, pairs, space->weight[1] + row * pairs, space->above.units + at * pairs,
                 false, d, w);
        bf16_differentiate(mlp->hidden_activation, rows, w, memory + below.z + row * w, a, d,
                           space->a_rows + at / 2, space->d_rows + at / 2, stride / 2);
    }
}

/* The first hidden layer, ROWS units at a time for all samples: see mlp_pass.c. */
static void backward_first_hidden(const struct mlp *mlp, const struct mlp_plan *plan,
                                  const struct inputs *x, const real *memory, real keep,
                                  const struct space *space, real *gradient)
{
    size_t width = mlp->width[0], in = mlp->width[1], out = mlp->width[2], stride = plan->stride;
    size_t whole = stride / plan->tile, rest = stride % plan->tile;
    for (size_t row = 0; row < in; row += ROWS) {
        size_t rows = in - row < ROWS ? in - row : ROWS;
        real *bias = gradient + mlp->bias_at[0] + row;
        block_deltas(mlp, plan, row, rows, memory, space);
        multiply(rows, out, stride / 2, space->a_rows, space->above.samples, false,
                 space->gradient[1] + row * out, out);
        multiply(rows, width, stride / 2, space->d_rows, x->sample_pairs, keep != 0,
                 gradient + mlp->weight_at[0] + row * width, width);
        activation_tile_sums(rows, whole, plan->tile, space->d_block, keep, bias);
        if (rest > 0)
            activation_row_sums(rows, rest, space->d_block + (stride - rest) * rows, 1, bias);
    }
}

void mlp_bf16_backward(const struct mlp *mlp, const struct mlp_plan *plan, const real *parameters,
                       const struct inputs *x, const real *memory, const real *d_z, real keep,
                       real *scratch, real *gradient)
{
    struct space space = {0};
    map_space(mlp, plan->stride, scratch, &space);
    if (mlp->n_layers == 1) {
        size_t width = mlp->width[0], out = mlp->width[1];
        bf16_round_rows(out, plan->stride, d_z, plan->stride, space.d_rows, plan->stride / 2);
        multiply(out, width, plan->stride / 2, space.d_rows, x->sample_pairs, keep != 0,
                 gradient + mlp->weight_at[0], width);
        return;
    }
    for (int l = 1; l < mlp->n_layers; l++) {
        size_t in = mlp->width[l], out = mlp->width[l + 1];
        transpose(out, in, parameters + mlp->weight_at[l], in, space.transposed, out);
        bf16_round_rows(in, out, space.transposed, out, space.weight[l], bf16_pairs(out));
    }
    for (size_t at = 0; at < plan->stride; at += plan->tile)
        backward_tile(mlp, plan, at, memory, d_z, keep, &space, gradient);
    backward_first_hidden(mlp, plan, x, memory, keep, &space, gradient);
    for (int l = 1; l < mlp->n_layers; l++) {
        size_t in = mlp->width[l], out = mlp->width[l + 1];
        (keep != 0 ? transpose_add : transpose)(in, out, space.gradient[l], out,
                                                gradient + mlp->weight_at[l], in);
    }
}
#endif
