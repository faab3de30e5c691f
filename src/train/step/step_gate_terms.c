/* SPDX-License-Identifier: BSD-3-Clause */
#include "step_gate_terms.h"

#include "model/gate/gate_terms.h"
#include "model/gate/routing.h"

static void add_balance(struct step *step)
{
    struct gate *gate = &step->model->gate;
    double weight = step->model->config.balance_weight;
    size_t stride = step->batch.stride;
    const real *w = step->batch.w;
    if (step->p) {
        routing_balance_gradient(gate->n_experts, stride, weight, w, step->p, step->load,
                                 gate->d_logit);
        return;
    }
    gate_terms_use(gate->n_experts, stride, w, gate->g, step->load);
    gate_terms_balance(gate->n_experts, stride, weight, w, gate->g, step->load, gate->d_logit);
}

void step_gate_terms(struct step *step)
{
    struct gate *gate = &step->model->gate;
    const struct model_config *config = &step->model->config;
    if (config->balance_weight != 0)
        add_balance(step);
    if (config->entropy_weight != 0)
        gate_terms_entropy(gate->n_experts, step->batch.stride, config->entropy_weight,
                           step->batch.w, gate->g, gate->log_g, gate->d_logit);
}
