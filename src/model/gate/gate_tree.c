/* SPDX-License-Identifier: BSD-3-Clause */
/* The hierarchical gate of Jordan & Jacobs 1994: one network, whose outputs are those of all nodes.
 */
#include "model/gate/gate_kind.h"

static status shape(const struct gate_config *config, struct mlp *shape)
{
    status outcome = mlp_init(shape, config->n_inputs, config->hidden, config->n_hidden,
                              gate_levels_n_branches(&config->levels), config->activation);
    mlp_restrict(shape, config->seen);
    return outcome;
}

/* Of each node one branch, with weights and bias. */
static size_t n_redundant(const struct gate_config *config, const struct mlp *shape)
{
    return gate_levels_n_nodes(&config->levels) * (mlp_fan_in(shape, shape->n_layers - 1) + 1);
}

static double flops(const struct gate_config *config, const struct mlp *shape)
{
    (void)config;
    return mlp_flops(shape);
}

const struct gate_kind gate_tree = {.name = "tree",
                                    .is_network = true,
                                    .has_levels = true,
                                    .shape = shape,
                                    .n_redundant = n_redundant,
                                    .flops = flops};
