/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_MODEL_GAUSSIAN_GATE_LAYOUT_H
#define COTERIE_MODEL_GAUSSIAN_GATE_LAYOUT_H

#include "model/network/mlp.h"

#include <stddef.h>

/* Where the parameters are in a block of reals: S is (E, D, D), symmetric. */
struct gaussian_gate_layout {
    size_t alpha_at, mean_at, covariance_at, extent;
};

struct gaussian_gate_layout gaussian_gate_layout(size_t n_experts, size_t n_inputs);

/* The shape of such a block: a network without layers, of which only the size counts. */
void gaussian_gate_shape(struct mlp *shape, size_t n_experts, size_t n_inputs);

#endif
