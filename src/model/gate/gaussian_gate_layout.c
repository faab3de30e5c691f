/* SPDX-License-Identifier: BSD-3-Clause */
#include "model/gate/gaussian_gate_layout.h"

#include <string.h>

struct gaussian_gate_layout gaussian_gate_layout(size_t n_experts, size_t n_inputs)
{
    struct gaussian_gate_layout layout = {.alpha_at = 0};
    layout.mean_at = real_padded(n_experts);
    layout.covariance_at = layout.mean_at + real_padded(n_experts * n_inputs);
    layout.extent = layout.covariance_at + real_padded(n_experts * n_inputs * n_inputs);
    return layout;
}

void gaussian_gate_shape(struct mlp *shape, size_t n_experts, size_t n_inputs)
{
    memset(shape, 0, sizeof *shape);
    shape->width[0] = n_inputs;
    shape->extent = gaussian_gate_layout(n_experts, n_inputs).extent;
    shape->n_parameters = n_experts * (1 + n_inputs + n_inputs * (n_inputs + 1) / 2);
}
