/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_MODEL_GATE_GAUSSIAN_H
#define COTERIE_MODEL_GATE_GAUSSIAN_H

#include <stddef.h>

/* Where the parameters are in a block of reals: S is (E, D, D), symmetric. */
struct gaussian_gate_layout {
    size_t alpha_at, mean_at, covariance_at, extent;
};

struct gaussian_gate_layout gaussian_gate_layout(size_t n_experts, size_t n_inputs);

#endif
