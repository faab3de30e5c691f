#ifndef COTERIE_MODEL_MLP_H
#define COTERIE_MODEL_MLP_H

#include "coterie/base/real.h"
#include "coterie/base/status.h"
#include "coterie/math/activation.h"

#include <stddef.h>
#include <stdint.h>

/*
 * A multi-layer network, a_l = f(W_l a_{l-1} + b_l), whose last layer is linear: its output is z,
 * and who owns the network applies the output function. With no hidden layer it is linear.
 *
 * Blocks are (units, samples) with rows of `stride` reals, a whole number of lines; the inputs are
 * (samples, inputs), `stride` rows of them. Samples beyond the batch, up to stride, are computed
 * along and must carry finite numbers; their weight in every gradient is 0.
 *
 * One GEMM shape per network and micro-batch: a result depends on nothing but its own inputs and
 * these shapes. All functions are Local.
 */
enum { MLP_MAX_HIDDEN = 8, MLP_MAX_LAYERS = MLP_MAX_HIDDEN + 1 };

struct mlp {
    int n_layers;
    size_t width[MLP_MAX_LAYERS + 1]; /* width[0] inputs, width[n_layers] outputs */
    enum activation hidden_activation;
    size_t weight_at[MLP_MAX_LAYERS]; /* offset of W_l (out, in) in the network's parameters */
    size_t bias_at[MLP_MAX_LAYERS];   /* offset of b_l (out) */
    size_t extent;                    /* reals of one network's parameters, padding included */
    size_t n_parameters;              /* weights and biases, without padding */
};

/* STATUS_USAGE if there are more than MLP_MAX_HIDDEN hidden layers or a width is 0. */
status mlp_init(struct mlp *mlp, size_t n_inputs, const size_t *hidden, size_t n_hidden,
                size_t n_outputs, enum activation hidden_activation);

/*
 * Draws weights and biases uniformly from [-a, a], a = min(1/2, sqrt(3 / inputs of the layer)): the
 * range of Jacobs et al. 1991, bounded for wide layers so that the variance of a unit's input does
 * not grow with their width. `id` and `purpose` name the random stream.
 */
void mlp_draw(const struct mlp *mlp, uint64_t seed, int purpose, uint32_t id, real *parameters);

/* Reals that one network needs between forward and backward: z and a of its hidden layers. */
size_t mlp_memory(const struct mlp *mlp, size_t stride);

/* Reals of scratch for backward, shared by all networks. */
size_t mlp_scratch(const struct mlp *mlp, size_t stride);

/* x (stride, inputs) -> z (outputs, stride); `memory` keeps what backward needs. */
void mlp_forward(const struct mlp *mlp, const real *parameters, size_t stride, const real *x,
                 real *memory, real *z);

/*
 * d_z (outputs, stride) -> gradient (laid out as the parameters), which becomes keep * gradient +
 * this one; keep is 0 or 1.
 */
void mlp_backward(const struct mlp *mlp, const real *parameters, size_t stride, const real *x,
                  const real *memory, const real *d_z, real keep, real *scratch, real *gradient);

/* Floating-point operations of GEMMs per sample, forward and backward. */
double mlp_flops(const struct mlp *mlp);

#endif
