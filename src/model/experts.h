/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_MODEL_EXPERTS_H
#define COTERIE_MODEL_EXPERTS_H

#include "base/status.h"
#include "model/likelihood/likelihood.h"
#include "model/network/mlp.h"
#include "model/network/parameters.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * The experts of one rank: local index k, global index e = first + k. Each computes all samples,
 * and nothing here depends on how many neighbours it has.
 */
struct experts {
    struct mlp shape;
    struct mlp_plan plan;
    struct likelihood likelihood;
    size_t first, n_local;
    struct parameters parameters;
    bool variance_is_learned, freedom_is_learned;
    struct dispersion *dispersion; /* (n_local) in units of the scaled d */
    size_t max_stride;
    size_t memory_stride; /* reals of `memory` per expert */
    real *memory;         /* (n_local, memory_stride) hidden layers, for backward */
    real *o;              /* (n_local, O, stride) expert outputs */
    real *loglik;         /* (n_local, stride) */
    real *square;         /* (n_local, stride) q = |d - o|^2 */
    real *d_z;            /* (O, stride), one expert at a time */
    real *scratch;        /* for backward */
    /* Unless NULL: told in backward that the gradient of expert k is made, and still in the cache.
     */
    void (*gradient_is_made)(void *listener, size_t k);
    void *listener; /* not owned */
};

/* Local. Buffers for micro-batches of up to max_stride samples. */
status experts_init(struct experts *experts, const struct mlp *shape,
                    const struct likelihood *likelihood, size_t first, size_t n_local,
                    const struct dispersion_start *start, size_t max_stride);
void experts_release(struct experts *experts);

/*
 * Draws each expert's parameters from the stream of its global index; the last biases are about
 * output_start. Local.
 */
void experts_draw(struct experts *experts, uint64_t seed, double output_start);

/* x, d (O, stride) or NULL -> o and, with d, loglik and square. Local. */
void experts_forward(struct experts *experts, const struct inputs *x, const real *d);

/* What weighs the gradient: the likelihood (1.3), the expert's own residual (1.2), or that of y. */
enum experts_residual { RESIDUAL_LIKELIHOOD, RESIDUAL_OWN, RESIDUAL_COMBINED };

/*
 * coefficient (n_local, stride); y (O, stride) for RESIDUAL_COMBINED, else NULL. The gradient
 * becomes keep * gradient + this one. Local.
 */
void experts_backward(struct experts *experts, enum experts_residual residual,
                      const struct inputs *x, const real *d, const real *y, const real *coefficient,
                      real keep);

/*
 * After an update: moves each learned variance and freedom by the change of its logarithm that the
 * optimiser left in its slot, the variance not below `floor`, and clears the slot. Local.
 */
void experts_move_dispersion(struct experts *experts, double floor);

/*
 * Of expert k: the gradient of variance and freedom, as far as they are learned; with `keep` added
 * to what is there. Local.
 */
void experts_dispersion_gradient(struct experts *experts, size_t k, size_t stride, const real *d,
                                 const real *o, const real *square, const real *coefficient,
                                 real keep);

/* agreement (n_local, stride), see likelihood_agreement. Local. */
void experts_agreement(const struct experts *experts, size_t stride, const real *d, const real *y,
                       real *agreement);

static inline real *experts_output(const struct experts *experts, size_t k, size_t stride)
{
    return experts->o + k * experts->likelihood.n_outputs * stride;
}

#endif
