/* SPDX-License-Identifier: BSD-3-Clause */
#include "model/gate/gate.h"

#include "base/memory.h"
#include "base/rng.h"
#include "math/softmax.h"
#include "model/gate/committee.h"

#include <string.h>

/* Logits that are no outputs of a network. */
struct gate_logits {
    status (*init)(struct gate *gate, const struct gate_config *config);
    void (*forward)(struct gate *gate, const struct inputs *x);
    double (*bytes)(const struct gate_config *config, size_t max_stride);
};

static status gaussian_init(struct gate *gate, const struct gate_config *config)
{
    status outcome = memory_alloc(&gate->log_density, gate->max_stride, sizeof(double), "the gate");
    return outcome == STATUS_OK ? gaussian_gate_init(&gate->gaussian, config->n_experts,
                                                     config->n_inputs, gate->max_stride)
                                : outcome;
}

/* The sum over experts of alpha N(x; m, S) is what p(x) is. */
static void log_sum_exp(struct gate *gate, size_t stride)
{
    real *zero = gate->d_logit;
    memset(zero, 0, gate->n_experts * stride * sizeof(real));
    softmax_posterior(gate->n_experts, stride, gate->log_g, zero, NULL, gate->log_density);
}

static void gaussian_forward(struct gate *gate, const struct inputs *x)
{
    gaussian_gate_forward(&gate->gaussian, gate->parameters.value, x, gate->log_g);
    log_sum_exp(gate, x->stride);
}

static double gaussian_bytes(const struct gate_config *config, size_t max_stride)
{
    return gaussian_gate_bytes(config->n_experts, config->n_inputs, max_stride);
}

static const struct gate_logits gaussian_logits = {gaussian_init, gaussian_forward, gaussian_bytes};

/* By enum gate_choice; NULL is a network. */
static const struct gate_logits *const all_logits[] = {
    [GATE_SOFTMAX] = NULL, [GATE_GAUSSIAN] = &gaussian_logits, [GATE_TREE] = NULL};

status gate_init(struct gate *gate, const struct gate_config *config, size_t max_stride)
{
    memset(gate, 0, sizeof *gate);
    gate->kind = gate_kind_of(config->choice);
    gate->logits = all_logits[config->choice];
    gate->n_experts = config->n_experts;
    gate->n_members = config->n_members;
    gate->levels = config->levels;
    gate->max_stride = max_stride;
    size_t branches = gate_levels_n_branches(&config->levels) * max_stride;
    status outcome = gate->kind->shape(config, &gate->shape);
    gate->shape.is_bf16 = config->is_bf16;
    if (outcome == STATUS_OK)
        outcome = parameters_init(&gate->parameters, &gate->shape, 1);
    size_t block = gate->n_experts * max_stride;
    struct {
        real **array;
        size_t count;
    } buffers[] = {{&gate->memory, mlp_memory(&gate->shape, max_stride)},
                   {&gate->scratch, mlp_scratch(&gate->shape, max_stride)},
                   {&gate->log_g, block},
                   {&gate->g, block},
                   {&gate->d_logit, block},
                   {&gate->branch_p, branches},
                   {&gate->branch_z, branches}};
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0] && outcome == STATUS_OK; i++)
        outcome = memory_alloc(buffers[i].array, buffers[i].count, sizeof(real), "the gate");
    return outcome == STATUS_OK && gate->logits ? gate->logits->init(gate, config) : outcome;
}

void gate_release(struct gate *gate)
{
    gaussian_gate_release(&gate->gaussian);
    memory_free(&gate->log_density);
    parameters_release(&gate->parameters);
    memory_free(&gate->memory);
    memory_free(&gate->scratch);
    memory_free(&gate->log_g);
    memory_free(&gate->g);
    memory_free(&gate->d_logit);
    memory_free(&gate->branch_p);
    memory_free(&gate->branch_z);
}

double gate_bytes(const struct gate_config *config, const struct mlp *shape, size_t max_stride)
{
    const struct gate_logits *logits = all_logits[config->choice];
    size_t branches = gate_levels_n_branches(&config->levels);
    return logits
               ? logits->bytes(config, max_stride)
               : (double)(mlp_memory(shape, max_stride) + 2 * branches * max_stride) * sizeof(real);
}

void gate_draw(struct gate *gate, uint64_t seed)
{
    const struct mlp *shape = &gate->shape;
    real *value = gate->parameters.value;
    memset(value, 0, gate->parameters.stride * sizeof(real));
    if (gate->logits)
        return;
    mlp_draw(shape, seed, RNG_GATE_WEIGHTS, 0, value);
    size_t last = shape->weight_at[shape->n_layers - 1];
    memset(value + last, 0, (shape->extent - last) * sizeof(real));
}

void gate_forward(struct gate *gate, const struct inputs *x)
{
    bool is_tree = gate->levels.n > 0;
    real *logit = is_tree ? gate->branch_z : gate->log_g;
    if (gate->logits) {
        gate->logits->forward(gate, x);
    } else {
        mlp_plan_prepare(&gate->plan, &gate->shape, x->stride);
        mlp_forward(&gate->shape, &gate->plan, gate->parameters.value, x, gate->memory,
                    gate->scratch, logit);
    }
    if (is_tree)
        gate_levels_forward(&gate->levels, x->stride, logit, gate->branch_p, gate->g, gate->log_g);
    else
        committee_forward(gate->n_members, gate->n_experts, x->stride, logit, gate->g, gate->log_g);
}

void gate_backward(struct gate *gate, const struct inputs *x, real keep)
{
    const real *d_z = gate->d_logit;
    if (gate->levels.n > 0) {
        gate_levels_backward(&gate->levels, x->stride, gate->branch_p, gate->d_logit,
                             gate->branch_z);
        d_z = gate->branch_z;
    }
    mlp_backward(&gate->shape, &gate->plan, gate->parameters.value, x, gate->memory, d_z, keep,
                 gate->scratch, gate->parameters.gradient);
}
