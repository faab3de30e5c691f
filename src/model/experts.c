/* SPDX-License-Identifier: BSD-3-Clause */
#include "model/experts.h"

#include "base/memory.h"
#include "base/rng.h"

#include <math.h>
#include <string.h>

static status allocate_buffers(struct experts *experts)
{
    size_t n = experts->n_local, stride = experts->max_stride;
    size_t outputs = experts->likelihood.n_outputs;
    struct {
        real **array;
        size_t count;
    } buffers[] = {{&experts->memory, n * experts->memory_stride},
                   {&experts->o, n * outputs * stride},
                   {&experts->loglik, n * stride},
                   {&experts->square, n * stride},
                   {&experts->d_z, outputs * stride},
                   {&experts->scratch, mlp_scratch(&experts->shape, stride)}};
    status outcome = STATUS_OK;
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0] && outcome == STATUS_OK; i++)
        outcome = memory_alloc(buffers[i].array, buffers[i].count, sizeof(real), "the experts");
    return outcome;
}

status experts_init(struct experts *experts, const struct mlp *shape,
                    const struct likelihood *likelihood, size_t first, size_t n_local,
                    double variance, bool variance_is_learned, size_t max_stride)
{
    memset(experts, 0, sizeof *experts);
    experts->shape = *shape;
    experts->likelihood = *likelihood;
    experts->first = first;
    experts->n_local = n_local;
    experts->variance_is_learned = variance_is_learned;
    experts->max_stride = max_stride;
    experts->memory_stride = mlp_memory(shape, max_stride);
    status outcome = parameters_init(&experts->parameters, &experts->shape, n_local);
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&experts->variance, n_local, sizeof(double), "the experts");
    if (outcome == STATUS_OK)
        outcome = allocate_buffers(experts);
    for (size_t k = 0; k < n_local && outcome == STATUS_OK; k++)
        experts->variance[k] = variance;
    return outcome;
}

void experts_release(struct experts *experts)
{
    parameters_release(&experts->parameters);
    memory_free(&experts->variance);
    memory_free(&experts->memory);
    memory_free(&experts->o);
    memory_free(&experts->loglik);
    memory_free(&experts->square);
    memory_free(&experts->d_z);
    memory_free(&experts->scratch);
}

void experts_draw(struct experts *experts, uint64_t seed, double output_start)
{
    for (size_t k = 0; k < experts->n_local; k++) {
        real *value = parameters_of(&experts->parameters, k);
        memset(value, 0, experts->parameters.stride * sizeof(real));
        mlp_draw(&experts->shape, seed, RNG_EXPERT_WEIGHTS, (uint32_t)(experts->first + k), value);
        real *bias = value + experts->shape.bias_at[experts->shape.n_layers - 1];
        for (size_t o = 0; o < experts->likelihood.n_outputs && output_start != 0; o++)
            bias[o] += (real)output_start;
    }
}

void experts_forward(struct experts *experts, const struct inputs *x, const real *d)
{
    size_t stride = x->stride;
    mlp_plan_prepare(&experts->plan, &experts->shape, stride);
    for (size_t k = 0; k < experts->n_local; k++) {
        real *z = experts_output(experts, k, stride);
        mlp_forward(&experts->shape, &experts->plan, parameters_of(&experts->parameters, k), x,
                    experts->memory + k * experts->memory_stride, z);
        likelihood_forward(&experts->likelihood, experts->variance[k], stride, d, z,
                           experts->loglik + k * stride, experts->square + k * stride);
    }
}

static void output_gradient(struct experts *experts, size_t k, enum experts_residual residual,
                            size_t stride, const real *d, const real *y, const real *coefficient)
{
    const real *o = experts_output(experts, k, stride);
    if (residual == RESIDUAL_LIKELIHOOD)
        likelihood_backward(&experts->likelihood, experts->variance[k], stride, d, o, coefficient,
                            experts->d_z);
    else
        likelihood_backward_square(&experts->likelihood, stride, d,
                                   residual == RESIDUAL_COMBINED ? y : o, o, coefficient,
                                   experts->d_z);
}

static void variance_gradient(struct experts *experts, size_t k, size_t stride,
                              const real *coefficient, real keep)
{
    double sum = likelihood_variance_gradient(&experts->likelihood, experts->variance[k], stride,
                                              experts->square + k * stride, coefficient);
    real *slot =
        parameters_gradient_of(&experts->parameters, k) + experts->parameters.log_variance_at;
    *slot = (real)(keep != 0 ? (double)*slot + sum : sum);
}

void experts_backward(struct experts *experts, enum experts_residual residual,
                      const struct inputs *x, const real *d, const real *y, const real *coefficient,
                      real keep)
{
    size_t stride = x->stride;
    for (size_t k = 0; k < experts->n_local; k++) {
        const real *own = coefficient + k * stride;
        output_gradient(experts, k, residual, stride, d, y, own);
        mlp_backward(&experts->shape, &experts->plan, parameters_of(&experts->parameters, k), x,
                     experts->memory + k * experts->memory_stride, experts->d_z, keep,
                     experts->scratch, parameters_gradient_of(&experts->parameters, k));
        if (experts->variance_is_learned)
            variance_gradient(experts, k, stride, own, keep);
        if (experts->gradient_is_made)
            experts->gradient_is_made(experts->listener, k);
    }
}

void experts_move_variance(struct experts *experts, double floor)
{
    for (size_t k = 0; k < experts->n_local && experts->variance_is_learned; k++) {
        real *slot = parameters_of(&experts->parameters, k) + experts->parameters.log_variance_at;
        double moved = experts->variance[k] * exp((double)*slot);
        /* Written so that a NaN stays one: the run must notice it. */
        experts->variance[k] = moved < floor ? floor : moved;
        *slot = 0;
    }
}

void experts_agreement(const struct experts *experts, size_t stride, const real *d, const real *y,
                       real *agreement)
{
    for (size_t k = 0; k < experts->n_local; k++)
        likelihood_agreement(&experts->likelihood, stride, d, experts_output(experts, k, stride), y,
                             agreement + k * stride);
}
