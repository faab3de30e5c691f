/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_MODEL_PARAMETERS_H
#define COTERIE_MODEL_PARAMETERS_H

#include "base/real.h"
#include "base/status.h"
#include "model/network/mlp.h"

#include <stddef.h>

/*
 * The parameters of n networks of one shape, each in one block of `stride` reals, and their
 * gradient in the same layout: optimiser, checkpoint and gradient check are one loop each.
 *
 * Behind a network's weights there are two more slots for the logarithms of an expert's variance
 * and freedom, at `log_variance_at` and behind it. What they hold in `value` is the change of the
 * logarithm in the current step; the number itself is kept in struct experts, so that a checkpoint
 * stores exactly what the next step starts from.
 */
struct parameters {
    const struct mlp *shape; /* not owned */
    size_t n_networks;
    size_t stride;
    size_t gradient_stride; /* as stride, or 0: one block serves all networks, one by one */
    size_t log_variance_at;
    real *value;    /* (n_networks, stride), owned */
    real *gradient; /* (n_networks, stride), owned */
};

status parameters_init(struct parameters *parameters, const struct mlp *shape, size_t n_networks);
void parameters_release(struct parameters *parameters);

/* Reals of one network's block. Local. */
size_t parameters_stride(const struct mlp *shape);

static inline real *parameters_of(const struct parameters *parameters, size_t network)
{
    return parameters->value + network * parameters->stride;
}

static inline real *parameters_gradient_of(const struct parameters *parameters, size_t network)
{
    return parameters->gradient + network * parameters->gradient_stride;
}

#endif
