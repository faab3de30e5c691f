/* Forward and backward through one network, tile by tile. */
#include "coterie/model/mlp.h"

#include "coterie/math/transpose.h"

#include <string.h>

void mlp_plan_prepare(struct mlp_plan *plan, const struct mlp *mlp, size_t stride)
{
    if (plan->stride == stride)
        return;
    int last = mlp->n_layers - 1;
    plan->stride = stride;
    plan->tile = inputs_tile(mlp->width[0], stride);
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

/* Hidden layer l keeps a, and z before it where the derivative needs it. */
static size_t layer_memory(const struct mlp *mlp, int l, size_t stride)
{
    return mlp->width[l + 1] * stride * (activation_keeps_z(mlp->hidden_activation) ? 2 : 1);
}

size_t mlp_memory(const struct mlp *mlp, size_t stride)
{
    size_t reals = 0;
    for (int l = 0; l + 1 < mlp->n_layers; l++)
        reals += layer_memory(mlp, l, stride);
    return reals;
}

/* Where z and a of a hidden layer's tile are. */
struct hidden_tile {
    real *z, *a;
};

static struct hidden_tile hidden_tile(const struct mlp *mlp, int l, size_t stride, size_t at,
                                      real *memory)
{
    size_t units = mlp->width[l + 1];
    for (int before = 0; before < l; before++)
        memory += layer_memory(mlp, before, stride);
    real *z = memory + at * units;
    return (struct hidden_tile){z, activation_keeps_z(mlp->hidden_activation) ? z + units * stride
                                                                              : z};
}

void mlp_forward(const struct mlp *mlp, const struct mlp_plan *plan, const real *parameters,
                 const struct inputs *x, real *memory, real *z)
{
    int last = mlp->n_layers - 1;
    size_t stride = plan->stride;
    for (size_t at = 0; at < stride; at += plan->tile) {
        size_t w = stride - at < plan->tile ? stride - at : plan->tile;
        int edge = w < plan->tile;
        const real *input = x->tiles + at * mlp->width[0];
        for (int l = 0; l < last; l++) {
            struct hidden_tile hidden = hidden_tile(mlp, l, stride, at, memory);
            gemm_run(&plan->forward[edge][l], parameters + mlp->weight_at[l], input, false,
                     hidden.z);
            activation_forward(mlp->hidden_activation, mlp->width[l + 1], w,
                               parameters + mlp->bias_at[l], hidden.z, hidden.a);
            input = hidden.a;
        }
        gemm_run(&plan->forward[edge][last], parameters + mlp->weight_at[last], input, false,
                 z + at);
    }
    activation_forward(ACTIVATION_IDENTITY, mlp->width[last + 1], stride,
                       parameters + mlp->bias_at[last], z, z);
}

/* Work space of backward; all of it is for one network at a time. */
struct scratch {
    real *d_first;                  /* d of the first hidden layer, all tiles */
    real *d[2];                     /* d of the layers above it, one tile, in turn */
    real *d_transposed;             /* (tile, units) */
    real *weight[MLP_MAX_LAYERS];   /* W_l^T (in, out), l > 0 */
    real *gradient[MLP_MAX_LAYERS]; /* dW_l^T (in, out), l > 0 */
};

/* Lays the work space out from `base` (NULL: only its size is wanted); returns its reals. */
static size_t scratch_map(const struct mlp *mlp, size_t stride, real *base, struct scratch *scratch)
{
    size_t used = 0, tile = inputs_tile(mlp->width[0], stride), widest = 0;
    for (int l = 0; l < mlp->n_layers; l++)
        widest = mlp->width[l + 1] > widest ? mlp->width[l + 1] : widest;
    struct {
        real **place;
        size_t reals;
    } parts[4] = {{&scratch->d_first, mlp->width[1] * stride},
                  {&scratch->d[0], widest * tile},
                  {&scratch->d[1], widest * tile},
                  {&scratch->d_transposed, widest * tile}};
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
    return scratch_map(mlp, stride, NULL, &unused);
}

/* One tile, from d_z down to d of the first layer; gradients of the layers above it add up. */
static void backward_tile(const struct mlp *mlp, const struct mlp_plan *plan, size_t at,
                          const real *memory, const real *d_z, real keep,
                          const struct scratch *scratch, real *gradient)
{
    int last = mlp->n_layers - 1;
    size_t stride = plan->stride, w = stride - at < plan->tile ? stride - at : plan->tile;
    int edge = w < plan->tile;
    const real *d = d_z + at;
    size_t ld = stride;
    for (int l = last; l > 0; l--) {
        size_t in = mlp->width[l], out = mlp->width[l + 1];
        /* Only read: the cast spares a second hidden_tile for const memory. */
        struct hidden_tile below = hidden_tile(mlp, l - 1, stride, at, (real *)memory);
        transpose(out, w, d, ld, scratch->d_transposed, out);
        gemm_run(&plan->gradient[edge][l], below.a, scratch->d_transposed, at > 0,
                 scratch->gradient[l]);
        real *d_below = l == 1 ? scratch->d_first + at * in : scratch->d[l % 2];
        gemm_run(&plan->d_input[edge][l], scratch->weight[l], d, false, d_below);
        activation_backward(mlp->hidden_activation, in, w, below.z, below.a, d_below);
        if (l > 1)
            activation_row_sums(in, w, d_below, at > 0 ? 1 : keep, gradient + mlp->bias_at[l - 1]);
        d = d_below;
        ld = w;
    }
}

/* Of the first layer where there are others above it: d is tile by tile. */
static void first_bias_gradient(const struct mlp *mlp, const struct mlp_plan *plan, const real *d,
                                real keep, real *gradient)
{
    size_t units = mlp->width[1], whole = plan->stride / plan->tile;
    real *bias = gradient + mlp->bias_at[0];
    activation_tile_sums(units, whole, plan->tile, d, keep, bias);
    if (whole * plan->tile < plan->stride)
        activation_row_sums(units, plan->stride % plan->tile, d + whole * plan->tile * units, 1,
                            bias);
}

/* dW_0 = d x, summed over the tiles. */
static void first_gradient(const struct mlp *mlp, const struct mlp_plan *plan, const real *d,
                           size_t d_step, const struct inputs *x, real keep, real *gradient)
{
    size_t whole = plan->stride / plan->tile;
    real *weight = gradient + mlp->weight_at[0];
    gemm_sum(&plan->gradient[0][0], whole, d, d_step, x->x, plan->tile * mlp->width[0], keep != 0,
             weight);
    if (whole * plan->tile < plan->stride)
        gemm_run(&plan->gradient[1][0], d + whole * d_step,
                 x->x + whole * plan->tile * mlp->width[0], true, weight);
}

void mlp_backward(const struct mlp *mlp, const struct mlp_plan *plan, const real *parameters,
                  const struct inputs *x, const real *memory, const real *d_z, real keep,
                  real *space, real *gradient)
{
    int last = mlp->n_layers - 1;
    struct scratch scratch;
    scratch_map(mlp, plan->stride, space, &scratch);
    activation_row_sums(mlp->width[last + 1], plan->stride, d_z, keep,
                        gradient + mlp->bias_at[last]);
    if (last == 0) {
        first_gradient(mlp, plan, d_z, plan->tile, x, keep, gradient);
        return;
    }
    for (int l = 1; l <= last; l++)
        transpose(mlp->width[l + 1], mlp->width[l], parameters + mlp->weight_at[l], mlp->width[l],
                  scratch.weight[l], mlp->width[l + 1]);
    for (size_t at = 0; at < plan->stride; at += plan->tile)
        backward_tile(mlp, plan, at, memory, d_z, keep, &scratch, gradient);
    first_bias_gradient(mlp, plan, scratch.d_first, keep, gradient);
    first_gradient(mlp, plan, scratch.d_first, plan->tile * mlp->width[1], x, keep, gradient);
    for (int l = 1; l <= last; l++) {
        size_t in = mlp->width[l], out = mlp->width[l + 1];
        (keep != 0 ? transpose_add : transpose)(in, out, scratch.gradient[l], out,
                                                gradient + mlp->weight_at[l], in);
    }
}
