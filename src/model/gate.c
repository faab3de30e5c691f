#include "coterie/model/gate.h"

#include "coterie/base/memory.h"
#include "coterie/base/rng.h"
#include "coterie/math/softmax.h"

#include <string.h>

status gate_init(struct gate *gate, const struct mlp *shape, size_t max_stride)
{
    memset(gate, 0, sizeof *gate);
    gate->shape = *shape;
    gate->n_experts = shape->width[shape->n_layers];
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

void gate_release(struct gate *gate)
{
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
    mlp_draw(shape, seed, RNG_GATE_WEIGHTS, 0, value);
    size_t last = shape->weight_at[shape->n_layers - 1];
    memset(value + last, 0, (shape->extent - last) * sizeof(real));
}

void gate_forward(struct gate *gate, const struct inputs *x)
{
    real *logit = gate->log_g;
    mlp_plan_prepare(&gate->plan, &gate->shape, x->stride);
    mlp_forward(&gate->shape, &gate->plan, gate->parameters.value, x, gate->memory, logit);
    softmax_forward(gate->n_experts, x->stride, logit, gate->g, gate->log_g);
}

void gate_backward(struct gate *gate, const struct inputs *x, real keep)
{
    mlp_backward(&gate->shape, &gate->plan, gate->parameters.value, x, gate->memory, gate->d_logit,
                 keep, gate->scratch, gate->parameters.gradient);
}
