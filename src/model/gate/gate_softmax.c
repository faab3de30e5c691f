/* SPDX-License-Identifier: BSD-3-Clause */
/* The gating network of Jacobs et al. 1991: g is the softmax of its outputs, one for each expert.
 */
#include "model/gate/gate_kind.h"

static status shape(const struct gate_config *config, struct mlp *shape)
{
    status outcome = mlp_init(shape, config->n_inputs, config->hidden, config->n_hidden,
                              config->n_experts, config->activation);
    mlp_restrict(shape, config->seen);
    return outcome;
}

/* Of each softmax one unit of the last layer, with weights and bias. */
static size_t n_redundant(const struct gate_config *config, const struct mlp *shape)
{
    return config->n_members * (mlp_fan_in(shape, shape->n_layers - 1) + 1);
}

static double flops(const struct gate_config *config, const struct mlp *shape)
{
    (void)config;
    return mlp_flops(shape);
}

const struct gate_kind gate_softmax = {.name = "softmax",
                                       .is_network = true,
                                       .has_log_odds = true,
                                       .has_members = true,
                                       .shape = shape,
                                       .n_redundant = n_redundant,
                                       .flops = flops};
