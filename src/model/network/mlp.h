/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_MODEL_MLP_H
#define COTERIE_MODEL_MLP_H

#include "base/real.h"
#include "base/status.h"
#include "math/activation.h"
#include "math/gemm.h"
#include "model/network/input_choice.h"
#include "model/network/inputs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A multi-layer network, a_l = f(W_l a_{l-1} + b_l), whose last layer is linear: its output is z,
 * and who owns the network applies the output function. With no hidden layer it is linear.
 *
 * Outputs are (units, samples) with rows of `stride` reals, a whole number of lines; hidden layers
 * are kept in the tiles of struct inputs. Samples beyond the batch, up to stride, are computed
 * along and must carry finite numbers; their weight in every gradient is 0.
 *
 * The shapes of all products follow from the network and the stride: a result depends on nothing
 * but its own inputs and these shapes. All functions are Local.
 */
enum { MLP_MAX_HIDDEN = 8, MLP_MAX_LAYERS = MLP_MAX_HIDDEN + 1 };

struct mlp {
    int n_layers;
    size_t width[MLP_MAX_LAYERS + 1]; /* width[0] inputs, width[n_layers] outputs */
    enum activation hidden_activation;
    bool is_bf16;                     /* products take numbers rounded to bf16, see math/bf16.h */
    size_t weight_at[MLP_MAX_LAYERS]; /* offset of W_l (out, in) in the network's parameters */
    size_t bias_at[MLP_MAX_LAYERS];   /* offset of b_l (out) */
    size_t extent;                    /* reals of one network's parameters, padding included */
    size_t n_parameters;              /* weights and biases, without padding and unseen inputs */
    struct input_choice seen; /* of the inputs; weights of the others are 0, of an offset 1 */
};

/* STATUS_USAGE if there are more than MLP_MAX_HIDDEN hidden layers or a width is 0. */
status mlp_init(struct mlp *mlp, size_t n_inputs, const size_t *hidden, size_t n_hidden,
                size_t n_outputs, enum activation hidden_activation);

/* Once, after mlp_init: the network sees these inputs only. NULL: all. */
void mlp_restrict(struct mlp *mlp, const struct input_choice *seen);

/* Units below layer l that it sees: of the first layer the inputs that are seen. */
size_t mlp_fan_in(const struct mlp *mlp, int l);

/*
 * Draws weights and biases uniformly from [-a, a], a = min(1/2, sqrt(3 / inputs of the layer)): the
 * range of Jacobs et al. 1991, bounded for wide layers so that the variance of a unit's input does
 * not grow with their width. Inputs that are not seen get weights of 0, an offset 1. `id` and
 * `purpose` name the random stream.
 */
void mlp_draw(const struct mlp *mlp, uint64_t seed, int purpose, uint32_t id, real *parameters);

/*
 * The products of one network for micro-batches of one stride; index 1 is the last tile where it is
 * narrower than the others.
 */
struct mlp_plan {
    size_t stride, tile;
    struct gemm forward[2][MLP_MAX_LAYERS];  /* z_l = W_l a_{l-1} */
    struct gemm d_input[2][MLP_MAX_LAYERS];  /* d_{l-1} = W_l^T d_l, l > 0 */
    struct gemm gradient[2][MLP_MAX_LAYERS]; /* dW_0 = d_0 x; (dW_l)^T = a_{l-1} d_l^T, l > 0 */
};

/* Nothing is done if the plan is for this stride already. */
void mlp_plan_prepare(struct mlp_plan *plan, const struct mlp *mlp, size_t stride);

/* Reals that one network needs between forward and backward: z and a of its hidden layers. */
size_t mlp_memory(const struct mlp *mlp, size_t stride);

/* Reals of scratch for forward and for backward, shared by all networks. */
size_t mlp_scratch(const struct mlp *mlp, size_t stride);

/* x -> z (outputs, stride); `memory` keeps what backward needs. */
void mlp_forward(const struct mlp *mlp, const struct mlp_plan *plan, const real *parameters,
                 const struct inputs *x, real *memory, real *scratch, real *z);

/*
 * d_z (outputs, stride) -> gradient (laid out as the parameters), which becomes keep * gradient +
 * this one; keep is 0 or 1. That of inputs that are not seen is 0.
 */
void mlp_backward(const struct mlp *mlp, const struct mlp_plan *plan, const real *parameters,
                  const struct inputs *x, const real *memory, const real *d_z, real keep,
                  real *scratch, real *gradient);

/* Floating-point operations of GEMMs per sample, forward and backward. */
double mlp_flops(const struct mlp *mlp);

#endif
