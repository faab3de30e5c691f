/* SPDX-License-Identifier: BSD-3-Clause */
/* Forward and backward through one network, tile by tile. */
#include "model/network/mlp.h"

#include "mlp_bf16.h"
#include "mlp_tiles.h"

#include "math/dots.h"
#include "math/transpose.h"

#include <string.h>

void mlp_plan_prepare(struct mlp_plan *plan, const struct mlp *mlp, size_t stride)
{
    if (plan->stride == stride)
        return;
    int last = mlp->n_layers - 1;
    plan->stride = stride;
    plan->tile = inputs_tile(mlp->width[0], stride);
    if (mlp->is_bf16)
        return;
    const size_t widths[2] = {plan->tile, stride % plan->tile};
    for (int edge = 0; edge < 2 && widths[edge] > 0; edge++)
        for (int l = 0; l <= last; l++) {
            size_t w = widths[edge], in = mlp->width[l], out = mlp->width[l + 1];
            size_t ld_out = l == last ? stride : w;
            gemm_prepare(&plan->forward[edge][l], out, w, in, in, w, ld_out);
            gemm_prepare(&plan->d_input[edge][l], in, w, out, out, ld_out, w);
            if (l == 0)
                gemm_prepare(&plan->gradient[edge][l], out, in, w, ld_out, in, in);
            else
                gemm_prepare(&plan->gradient[edge][l], in, out, w, w, out, out);
        }
}

size_t mlp_memory(const struct mlp *mlp, size_t stride)
{
    size_t reals = 0;
    for (int l = 0; l + 1 < mlp->n_layers; l++)
        reals += layer_memory(mlp, l, stride);
    return reals;
}

/* One layer of few inputs: the products are too small to be worth preparing. */
static void forward_few(const struct mlp *mlp, const struct mlp_plan *plan, const real *parameters,
                        const struct inputs *x, real *z)
{
    size_t width = mlp->width[0], w;
    for (size_t at = 0; at < plan->stride; at += w) {
        w = plan->stride - at < plan->tile ? plan->stride - at : plan->tile;
        dots_combine(mlp->width[1], width, w, parameters + mlp->weight_at[0], x->tiles + at * width,
                     w, parameters + mlp->bias_at[0], z + at, plan->stride);
    }
}

void mlp_forward(const struct mlp *mlp, const struct mlp_plan *plan, const real *parameters,
                 const struct inputs *x, real *memory, real *scratch, real *z)
{
    int last = mlp->n_layers - 1;
    size_t stride = plan->stride;
    if (MLP_HAS_BF16 && mlp->is_bf16) {
        mlp_bf16_forward(mlp, plan, parameters, x, memory, scratch, z);
        return;
    }
    if (last == 0 && mlp->width[0] <= DOTS_COLUMNS) {
        forward_few(mlp, plan, parameters, x, z);
        return;
    }
    for (size_t at = 0; at < stride; at += plan->tile) {
        size_t w = stride - at < plan->tile ? stride - at : plan->tile;
        int edge = w < plan->tile;
        const real *input = x->tiles + at * mlp->width[0];
        for (int l = 0; l < last; l++) {
            struct hidden_tile hidden = hidden_tile(mlp, l, stride, at);
            gemm_run(&plan->forward[edge][l], parameters + mlp->weight_at[l], input, false,
                     memory + hidden.z);
            activation_forward(mlp->hidden_activation, mlp->width[l + 1], w,
                               parameters + mlp->bias_at[l], memory + hidden.z, memory + hidden.a);
            input = memory + hidden.a;
        }
        gemm_run(&plan->forward[edge][last], parameters + mlp->weight_at[last], input, false,
                 z + at);
    }
    activation_forward(ACTIVATION_IDENTITY, mlp->width[last + 1], stride,
                       parameters + mlp->bias_at[last], z, z);
}

/* Work space of backward; all of it is for one network at a time. */
struct scratch {
    real *d_top;                    /* d of the second hidden layer, all tiles */
    real *d[2];                     /* d of the layers above it, one tile, in turn */
    real *d_block;                  /* d of GEMM_ROWS units of the first hidden layer, all tiles */
    real *d_transposed;             /* of the layer above it, all tiles: (stride, units) */
    real *weight[MLP_MAX_LAYERS];   /* W_l^T (in, out), l > 0 */
    real *gradient[MLP_MAX_LAYERS]; /* dW_l^T (in, out), l > 0 */
};

/* Lays the work space out from `base` (NULL: only its size is wanted); returns its reals. */
static size_t scratch_map(const struct mlp *mlp, size_t stride, real *base, struct scratch *scratch)
{
    size_t used = 0, tile = inputs_tile(mlp->width[0], stride), widest = 0;
    for (int l = 1; l < mlp->n_layers; l++)
        widest = mlp->width[l + 1] > widest ? mlp->width[l + 1] : widest;
    size_t above = mlp->n_layers > 1 ? mlp->width[2] * stride : 0;
    struct {
        real **place;
        size_t reals;
    } parts[5] = {{&scratch->d_top, mlp->n_layers > 2 ? above : 0},
                  {&scratch->d[0], mlp->n_layers > 3 ? widest * tile : 0},
                  {&scratch->d[1], mlp->n_layers > 3 ? widest * tile : 0},
                  {&scratch->d_block, mlp->n_layers > 1 ? GEMM_ROWS * stride : 0},
                  {&scratch->d_transposed, above > widest * tile ? above : widest * tile}};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        *parts[i].place = base ? base + used : NULL;
        used += real_padded(parts[i].reals);
    }
    for (int l = 1; l < mlp->n_layers; l++) {
        size_t reals = real_padded(mlp->width[l] * mlp->width[l + 1]);
        scratch->weight[l] = base ? base + used : NULL;
        scratch->gradient[l] = base ? base + used + reals : NULL;
        used += 2 * reals;
    }
    return used;
}

size_t mlp_scratch(const struct mlp *mlp, size_t stride)
{
    struct scratch unused;
    if (MLP_HAS_BF16 && mlp->is_bf16)
        return mlp_bf16_scratch(mlp, stride);
    return scratch_map(mlp, stride, NULL, &unused);
}

/* One tile, from d_z down to d of the second hidden layer; gradients of these layers add up. */
static void backward_tile(const struct mlp *mlp, const struct mlp_plan *plan, size_t at,
                          const real *memory, const real *d_z, real keep,
                          const struct scratch *scratch, real *gradient)
{
    size_t stride = plan->stride, w = stride - at < plan->tile ? stride - at : plan->tile;
    int edge = w < plan->tile;
    const real *d = d_z + at;
    size_t ld = stride;
    for (int l = mlp->n_layers - 1; l > 1; l--) {
        size_t in = mlp->width[l], out = mlp->width[l + 1];
        struct hidden_tile below = hidden_tile(mlp, l - 1, stride, at);
        transpose(out, w, d, ld, scratch->d_transposed, out);
        gemm_run(&plan->gradient[edge][l], memory + below.a, scratch->d_transposed, at > 0,
                 scratch->gradient[l]);
        real *d_below = l == 2 ? scratch->d_top + at * in : scratch->d[l % 2];
        gemm_run(&plan->d_input[edge][l], scratch->weight[l], d, false, d_below);
        activation_backward(mlp->hidden_activation, in, w, memory + below.z, memory + below.a,
                            d_below);
        activation_row_sums(in, w, d_below, at > 0 ? 1 : keep, gradient + mlp->bias_at[l - 1]);
        d = d_below;
        ld = w;
    }
}

/* dW_0 = d x, summed over the tiles, for `rows` units from `row` on; tiles of d are d_step apart.
 */
static void first_weight_gradient(const struct mlp *mlp, const struct mlp_plan *plan, size_t row,
                                  size_t rows, const real *d, size_t d_step, const struct inputs *x,
                                  bool add, real *weight)
{
    size_t width = mlp->width[0], tile = plan->tile, stride = plan->stride, whole = stride / tile;
    if (width <= DOTS_COLUMNS) {
        for (size_t at = 0; at < stride; at += tile, d += d_step) {
            size_t w = stride - at < tile ? stride - at : tile;
            dots(rows, width, w, d, mlp->n_layers == 1 ? stride : w, x->tiles + at * width, w,
                 add || at > 0, weight, width);
        }
        return;
    }
    gemm_sum_rows(&plan->gradient[0][0], row, whole, d, d_step, x->x, tile * width, add, weight);
    if (whole * tile < stride)
        gemm_sum_rows(&plan->gradient[1][0], row, 1, d + whole * d_step, 0,
                      x->x + whole * tile * width, 0, true, weight);
}

/* The gradient of `rows` units of the first layer from `row` on. */
static void first_gradient(const struct mlp *mlp, const struct mlp_plan *plan, size_t row,
                           size_t rows, const real *d, size_t d_step, const struct inputs *x,
                           real keep, real *gradient)
{
    size_t tile = plan->tile, whole = plan->stride / tile;
    first_weight_gradient(mlp, plan, row, rows, d, d_step, x, keep != 0,
                          gradient + mlp->weight_at[0] + row * mlp->width[0]);
    if (mlp->n_layers == 1)
        return;
    real *bias = gradient + mlp->bias_at[0] + row;
    activation_tile_sums(rows, whole, tile, d, keep, bias);
    if (whole * tile < plan->stride)
        activation_row_sums(rows, plan->stride % tile, d + whole * d_step, 1, bias);
}

/*
 * The first hidden layer, GEMM_ROWS units at a time for all samples: what is made for them is still
 * in the cache when their gradient is summed. d is that of the layer above.
 */
static void backward_first_hidden(const struct mlp *mlp, const struct mlp_plan *plan,
                                  const struct inputs *x, const real *memory, const real *d,
                                  real keep, const struct scratch *scratch, real *gradient)
{
    size_t in = mlp->width[1], out = mlp->width[2], stride = plan->stride, tile = plan->tile;
    bool is_z = mlp->n_layers == 2; /* then d has rows of stride, else it is tile by tile */
    size_t w;
    for (size_t at = 0; at < stride; at += w) {
        w = stride - at < tile ? stride - at : tile;
        transpose(out, w, is_z ? d + at : d + at * out, is_z ? stride : w,
                  scratch->d_transposed + at * out, out);
    }
    for (size_t row = 0; row < in; row += GEMM_ROWS) {
        size_t rows = in - row < GEMM_ROWS ? in - row : GEMM_ROWS;
        for (size_t at = 0; at < stride; at += w) {
            w = stride - at < tile ? stride - at : tile;
            int edge = w < tile;
            struct hidden_tile below = hidden_tile(mlp, 0, stride, at);
            real *d_block = scratch->d_block + at * rows;
            gemm_sum_rows(&plan->gradient[edge][1], row, 1, memory + below.a + row * w, 0,
                          scratch->d_transposed + at * out, 0, at > 0,
                          scratch->gradient[1] + row * out);
            gemm_sum_rows(&plan->d_input[edge][1], row, 1, scratch->weight[1] + row * out, 0,
                          is_z ? d + at : d + at * out, 0, false, d_block);
            activation_backward(mlp->hidden_activation, rows, w, memory + below.z + row * w,
                                memory + below.a + row * w, d_block);
        }
        first_gradient(mlp, plan, row, rows, scratch->d_block, tile * rows, x, keep, gradient);
    }
}

static void backward_hidden(const struct mlp *mlp, const struct mlp_plan *plan,
                            const real *parameters, const struct inputs *x, const real *memory,
                            const real *d_z, real keep, const struct scratch *scratch,
                            real *gradient)
{
    for (int l = 1; l < mlp->n_layers; l++)
        transpose(mlp->width[l + 1], mlp->width[l], parameters + mlp->weight_at[l], mlp->width[l],
                  scratch->weight[l], mlp->width[l + 1]);
    for (size_t at = 0; mlp->n_layers > 2 && at < plan->stride; at += plan->tile)
        backward_tile(mlp, plan, at, memory, d_z, keep, scratch, gradient);
    backward_first_hidden(mlp, plan, x, memory, mlp->n_layers > 2 ? scratch->d_top : d_z, keep,
                          scratch, gradient);
    for (int l = 1; l < mlp->n_layers; l++) {
        size_t in = mlp->width[l], out = mlp->width[l + 1];
        (keep != 0 ? transpose_add : transpose)(in, out, scratch->gradient[l], out,
                                                gradient + mlp->weight_at[l], in);
    }
}

/* In the working precision. */
static void backward_real(const struct mlp *mlp, const struct mlp_plan *plan,
                          const real *parameters, const struct inputs *x, const real *memory,
                          const real *d_z, real keep, real *space, real *gradient)
{
    size_t outputs = mlp->width[mlp->n_layers];
    struct scratch scratch;
    scratch_map(mlp, plan->stride, space, &scratch);
    if (mlp->n_layers > 1) {
        backward_hidden(mlp, plan, parameters, x, memory, d_z, keep, &scratch, gradient);
        return;
    }
    for (size_t row = 0; row < outputs; row += GEMM_ROWS) {
        size_t rows = outputs - row < GEMM_ROWS ? outputs - row : GEMM_ROWS;
        first_gradient(mlp, plan, row, rows, d_z + row * plan->stride, plan->tile, x, keep,
                       gradient);
    }
}

void mlp_backward(const struct mlp *mlp, const struct mlp_plan *plan, const real *parameters,
                  const struct inputs *x, const real *memory, const real *d_z, real keep,
                  real *space, real *gradient)
{
    int last = mlp->n_layers - 1;
    activation_row_sums(mlp->width[last + 1], plan->stride, d_z, keep,
                        gradient + mlp->bias_at[last]);
    if (MLP_HAS_BF16 && mlp->is_bf16)
        mlp_bf16_backward(mlp, plan, parameters, x, memory, d_z, keep, space, gradient);
    else
        backward_real(mlp, plan, parameters, x, memory, d_z, keep, space, gradient);
    input_choice_clear(&mlp->seen, mlp->width[0], mlp->width[1], gradient + mlp->weight_at[0]);
}
