/* SPDX-License-Identifier: BSD-3-Clause */
#include "model/gate/gate.h"

#include "base/memory.h"
#include "base/rng.h"
#include "math/softmax.h"
#include "model/gate/committee.h"

#include <string.h>

status gate_init(struct gate *gate, const struct mlp *shape, size_t max_stride)
{
    memset(gate, 0, sizeof *gate);
    gate->shape = *shape;
    gate->n_experts = shape->width[shape->n_layers];
    gate->n_members = 1;
    gate->max_stride = max_stride;
    size_t block = gate->n_experts * max_stride;
    struct {
        real **array;
        size_t count;
    } buffers[] = {{&gate->memory, mlp_memory(shape, max_stride)},
                   {&gate->scratch, mlp_scratch(shape, max_stride)},
                   {&gate->log_g, block},
                   {&gate->g, block},
                   {&gate->d_logit, block}};
    status outcome = parameters_init(&gate->parameters, &gate->shape, 1);
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0] && outcome == STATUS_OK; i++)
        outcome = memory_alloc(buffers[i].array, buffers[i].count, sizeof(real), "the gate");
    return outcome;
}

status gate_init_gaussian(struct gate *gate, const struct mlp *shape, size_t n_experts,
                          size_t max_stride)
{
    memset(gate, 0, sizeof *gate);
    gate->kind = GATE_GAUSSIAN;
    gate->shape = *shape;
    gate->n_experts = n_experts;
    gate->n_members = 1;
    gate->max_stride = max_stride;
    size_t block = n_experts * max_stride;
    struct {
        void *array;
        size_t count, size;
    } buffers[] = {{&gate->log_g, block, sizeof(real)},
                   {&gate->g, block, sizeof(real)},
                   {&gate->d_logit, block, sizeof(real)},
                   {&gate->log_density, max_stride, sizeof(double)}};
    status outcome = parameters_init(&gate->parameters, &gate->shape, 1);
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0] && outcome == STATUS_OK; i++)
        outcome = memory_alloc(buffers[i].array, buffers[i].count, buffers[i].size, "the gate");
    return outcome == STATUS_OK
               ? gaussian_gate_init(&gate->gaussian, n_experts, shape->width[0], max_stride)
               : outcome;
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
}

void gate_draw(struct gate *gate, uint64_t seed)
{
    const struct mlp *shape = &gate->shape;
    real *value = gate->parameters.value;
    memset(value, 0, gate->parameters.stride * sizeof(real));
    if (gate->kind == GATE_GAUSSIAN)
        return;
    mlp_draw(shape, seed, RNG_GATE_WEIGHTS, 0, value);
    size_t last = shape->weight_at[shape->n_layers - 1];
    memset(value + last, 0, (shape->extent - last) * sizeof(real));
}

/* The sum over experts of alpha N(x; m, S) is what p(x) is. */
static void log_sum_exp(struct gate *gate, size_t stride)
{
    real *zero = gate->d_logit;
    memset(zero, 0, gate->n_experts * stride * sizeof(real));
    softmax_posterior(gate->n_experts, stride, gate->log_g, zero, NULL, gate->log_density);
}

void gate_forward(struct gate *gate, const struct inputs *x)
{
    real *logit = gate->log_g;
    if (gate->kind == GATE_GAUSSIAN) {
        gaussian_gate_forward(&gate->gaussian, gate->parameters.value, x, logit);
        log_sum_exp(gate, x->stride);
    } else {
        mlp_plan_prepare(&gate->plan, &gate->shape, x->stride);
        mlp_forward(&gate->shape, &gate->plan, gate->parameters.value, x, gate->memory, logit);
    }
    committee_forward(gate->n_members, gate->n_experts, x->stride, logit, gate->g, gate->log_g);
}

void gate_backward(struct gate *gate, const struct inputs *x, real keep)
{
    mlp_backward(&gate->shape, &gate->plan, gate->parameters.value, x, gate->memory, gate->d_logit,
                 keep, gate->scratch, gate->parameters.gradient);
}
