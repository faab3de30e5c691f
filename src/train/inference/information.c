/* SPDX-License-Identifier: BSD-3-Clause */
#include "train/inference/information.h"

#include "base/memory.h"
#include "information_tile.h"
#include "model/gate/gate_kind.h"
#include "model/network/parameters.h"

#include <string.h>

/* Of all inputs, seen or not, as they are summed. */
static size_t n_numbers(const struct model_config *config)
{
    struct model_config all = *config;
    all.gate_inputs = all.expert_inputs = (struct input_choice){.is_made = false};
    return model_n_parameters(&all);
}

const char *information_lacks(const struct model_config *config)
{
    struct likelihood likelihood = {config->likelihood, config->output, config->n_outputs};
    if (config->error != ERROR_MIXTURE)
        return "the error that was trained with is not a likelihood";
    if (config->n_expert_hidden > 0 || config->n_gate_hidden > 0)
        return "networks with hidden layers have no coefficients";
    if (!gate_kind_of(config->gate)->has_log_odds)
        return "they are for a softmax gate";
    if (model_n_members(config) > 1)
        return "a committee is no maximum of one likelihood";
    if (model_is_routed(config))
        return "with the largest proportions only, the likelihood has no derivatives";
    if (likelihood_n_bends(&likelihood) == 0)
        return "this likelihood with these outputs has no second derivatives here";
    if (n_numbers(config) > INFORMATION_MOST)
        return "there are more than 5000 coefficients";
    return NULL;
}

/* One layer of `n` units: its bias before its weights, in double. */
static void unpack(const struct mlp *shape, const real *from, size_t n, double *to)
{
    size_t inputs = shape->width[0];
    for (size_t k = 0; k < n; k++, to += inputs + 1) {
        to[0] = (double)from[shape->bias_at[0] + k];
        for (size_t u = 0; u < inputs; u++)
            to[1 + u] = (double)from[shape->weight_at[0] + k * inputs + u];
    }
}

static void take_parameters(struct information *information, const struct model_shape *shape,
                            const struct networks *networks)
{
    const struct information_layout *layout = &information->layout;
    struct linear_parameters *own = &information->parameters;
    size_t stride = parameters_stride(&shape->expert);
    memcpy(own->dispersion, networks->dispersion, layout->n_experts * sizeof *own->dispersion);
    unpack(&shape->gate, networks->gate, layout->n_logits, own->weight);
    for (size_t e = 0; e < layout->n_experts; e++)
        unpack(&shape->expert, networks->experts + e * stride, layout->n_outputs,
               own->weight + information_output(layout, e, 0) * layout->n_units);
}

status information_init_empty(struct information *information, const struct model_config *config,
                              bool has_outer)
{
    struct linear_parameters *own = &information->parameters;
    const struct information_layout *layout = &information->layout;
    memset(information, 0, sizeof *information);
    information->likelihood =
        (struct likelihood){config->likelihood, config->output, config->n_outputs};
    status outcome = information_layout_init(&information->layout, config, has_outer);
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&own->weight, layout->n_linear * layout->n_units, sizeof(double),
                               "coefficients");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&own->dispersion, layout->n_experts, sizeof *own->dispersion,
                               "coefficients");
    for (size_t e = 0; outcome == STATUS_OK && e < layout->n_experts; e++)
        own->dispersion[e] = (struct dispersion){1, 1};
    return outcome == STATUS_OK
               ? information_tile_create(layout, &information->likelihood, own, &information->tile)
               : outcome;
}

status information_init(struct information *information, const struct model_shape *shape,
                        const struct networks *networks, bool has_outer)
{
    status outcome = information_init_empty(information, &shape->config, has_outer);
    if (outcome == STATUS_OK)
        take_parameters(information, shape, networks);
    return outcome;
}

void information_release(struct information *information)
{
    information_layout_release(&information->layout);
    memory_free(&information->parameters.weight);
    memory_free(&information->parameters.dispersion);
    memory_free(&information->total);
    information_tile_destroy(&information->tile);
}

status information_sum(struct information *information, struct sample_groups *groups)
{
    size_t n_sums = information->layout.n_sums;
    status outcome = STATUS_OK;
    if (groups->comm->rank == 0)
        outcome = memory_alloc(&information->total, n_sums, sizeof(double), "the information");
    outcome = communicator_agree(groups->comm, outcome);
    return outcome == STATUS_OK ? sample_groups_sum(groups, n_sums, information_tile_add,
                                                    information->tile, information->total)
                                : outcome;
}
