/* SPDX-License-Identifier: BSD-3-Clause */
#include "step_routing.h"

#include "base/memory.h"
#include "base/profile.h"
#include "model/gate/routing.h"

#include <string.h>

status step_routing_init(struct step *step, size_t max_stride)
{
    struct model *model = step->model;
    const struct model_config *config = &model->config;
    bool balances = model->has_gate && config->balance_weight != 0;
    status outcome = STATUS_OK;
    if (balances)
        outcome = memory_alloc(&step->load, config->n_experts, sizeof(double), "a step");
    if (outcome != STATUS_OK || !model_is_routed(config))
        return outcome;
    outcome = chosen_rows_init(&step->rows, config->n_inputs, config->n_outputs, max_stride);
    if (outcome == STATUS_OK && config->is_bf16)
        outcome = inputs_round(&step->rows.x, max_stride);
    if (outcome == STATUS_OK && balances)
        outcome = memory_alloc(&step->p, config->n_experts * max_stride, sizeof(real), "a step");
    return outcome;
}

void step_routing_release(struct step *step)
{
    chosen_rows_release(&step->rows);
    memory_free(&step->p);
    memory_free(&step->load);
}

void step_route(struct step *step)
{
    struct model *model = step->model;
    struct gate *gate = &model->gate;
    size_t stride = step->batch.stride, k = model->config.top_k;
    if (model->has_gate) {
        if (step->p)
            memcpy(step->p, gate->g, gate->n_experts * stride * sizeof(real));
        routing_choose(gate->n_experts, k, stride, gate->g, gate->log_g);
        if (step->p)
            routing_load(gate->n_experts, k, stride, step->batch.w, gate->g, step->load);
    }
    profile_enter(PHASE_EXCHANGE);
    step->g = exchange_scatter(&step->exchange, 0, stride, gate->g);
}
