/* SPDX-License-Identifier: BSD-3-Clause */
/* What the Gaussian gate is made of; gaussian_gate.c computes it. */
#include "model/gate/gate_gaussian.h"

#include "model/gate/gate_kind.h"

#include <string.h>

struct gaussian_gate_layout gaussian_gate_layout(size_t n_experts, size_t n_inputs)
{
    struct gaussian_gate_layout layout = {.alpha_at = 0};
    layout.mean_at = real_padded(n_experts);
    layout.covariance_at = layout.mean_at + real_padded(n_experts * n_inputs);
    layout.extent = layout.covariance_at + real_padded(n_experts * n_inputs * n_inputs);
    return layout;
}

static status shape(const struct gate_config *config, struct mlp *shape)
{
    size_t n_experts = config->n_experts, n_inputs = config->n_inputs;
    memset(shape, 0, sizeof *shape);
    shape->width[0] = n_inputs;
    shape->extent = gaussian_gate_layout(n_experts, n_inputs).extent;
    if (config->seen)
        shape->seen = *config->seen;
    size_t seen = input_choice_count(&shape->seen, n_inputs);
    shape->n_parameters = n_experts * (1 + seen + seen * (seen + 1) / 2);
    return STATUS_OK;
}

/* The alphas sum to 1. */
static size_t n_redundant(const struct gate_config *config, const struct mlp *shape)
{
    (void)config;
    (void)shape;
    return 1;
}

static double flops(const struct gate_config *config, const struct mlp *shape)
{
    double inputs = (double)config->n_inputs;
    (void)shape;
    return 2 * (double)config->n_experts * inputs * inputs;
}

static size_t blocks(const struct gate_config *config, struct gate_block block[GATE_MOST_BLOCKS])
{
    size_t d = config->n_inputs;
    struct gaussian_gate_layout layout = gaussian_gate_layout(config->n_experts, d);
    block[0] = (struct gate_block){"gaussian/alpha", layout.alpha_at, 0, 0};
    block[1] = (struct gate_block){"gaussian/mean", layout.mean_at, d, 0};
    block[2] = (struct gate_block){"gaussian/covariance", layout.covariance_at, d, d};
    return 3;
}

/* Proportions and variances that are none would make no density. */
static status check(const struct gate_config *config, const real *value, const char *path)
{
    size_t n = config->n_experts, d = config->n_inputs;
    struct gaussian_gate_layout layout = gaussian_gate_layout(n, d);
    for (size_t e = 0; e < n; e++) {
        if (!(value[layout.alpha_at + e] >= 0))
            return status_set(STATUS_USAGE, "/gate/gaussian/alpha in %s must not be negative",
                              path);
        for (size_t u = 0; u < d; u++)
            if (!(value[layout.covariance_at + (e * d + u) * d + u] > 0) &&
                (!config->seen || input_choice_has(config->seen, u)))
                return status_set(STATUS_USAGE,
                                  "the variances in /gate/gaussian/covariance of %s must be "
                                  "positive",
                                  path);
    }
    return STATUS_OK;
}

const struct gate_kind gate_gaussian = {.name = "gaussian",
                                        .label = "Gaussian",
                                        .is_density = true,
                                        .shape = shape,
                                        .n_redundant = n_redundant,
                                        .flops = flops,
                                        .blocks = blocks,
                                        .check = check};
