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
                    const struct dispersion_start *start, size_t max_stride)
{
    memset(experts, 0, sizeof *experts);
    experts->shape = *shape;
    experts->likelihood = *likelihood;
    experts->first = first;
    experts->n_local = n_local;
    experts->variance_is_learned = start->variance_is_learned;
    experts->freedom_is_learned = start->freedom_is_learned;
    experts->max_stride = max_stride;
    experts->memory_stride = mlp_memory(shape, max_stride);
    status outcome = parameters_init(&experts->parameters, &experts->shape, n_local);
    if (outcome == STATUS_OK)
        outcome =
            memory_alloc(&experts->dispersion, n_local, sizeof *experts->dispersion, "the experts");
    if (outcome == STATUS_OK)
        outcome = allocate_buffers(experts);
    for (size_t k = 0; k < n_local && outcome == STATUS_OK; k++)
        experts->dispersion[k] = start->at;
    return outcome;
}

void experts_release(struct experts *experts)
{
    parameters_release(&experts->parameters);
    memory_free(&experts->dispersion);
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
                    experts->memory + k * experts->memory_stride, experts->scratch, z);
        likelihood_forward(&experts->likelihood, experts->dispersion[k], stride, d, z,
                           experts->loglik + k * stride, experts->square + k * stride);
    }
}

static void output_gradient(struct experts *experts, size_t k, enum experts_residual residual,
                            size_t stride, const real *d, const real *y, const real *coefficient)
{
    const real *o = experts_output(experts, k, stride);
    if (residual == RESIDUAL_LIKELIHOOD)
        likelihood_backward(&experts->likelihood, experts->dispersion[k], stride, d, o, coefficient,
                            experts->d_z);
    else
        likelihood_backward_square(&experts->likelihood, stride, d,
                                   residual == RESIDUAL_COMBINED ? y : o, o, coefficient,
                                   experts->d_z);
}

void experts_dispersion_gradient(struct experts *experts, size_t k, size_t stride, const real *d,
                                 const real *o, const real *square, const real *coefficient,
                                 real keep)
{
    const bool is_learned[] = {
        [BY_VARIANCE] = experts->variance_is_learned, [BY_FREEDOM] = experts->freedom_is_learned};
    double sum[N_DISPERSIONS];
    if (!experts->variance_is_learned && !experts->freedom_is_learned)
        return;
    likelihood_dispersion_gradient(&experts->likelihood, experts->dispersion[k], stride, d, o,
                                   square, coefficient, sum);
    real *slot =
        parameters_gradient_of(&experts->parameters, k) + experts->parameters.log_variance_at;
    for (int i = 0; i < N_DISPERSIONS; i++)
        if (is_learned[i])
            slot[i] = (real)(keep != 0 ? (double)slot[i] + sum[i] : sum[i]);
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
        experts_dispersion_gradient(experts, k, stride, d, experts_output(experts, k, stride),
                                    experts->square + k * stride, own, keep);
        if (experts->gradient_is_made)
            experts->gradient_is_made(experts->listener, k);
    }
}

/* Written so that a NaN stays one: the run must notice it. */
static double moved(double from, real by, double least, double most)
{
    double to = from * exp((double)by);
    return to < least ? least : to > most ? most : to;
}

void experts_move_dispersion(struct experts *experts, double floor)
{
    for (size_t k = 0; k < experts->n_local; k++) {
        struct dispersion *dispersion = &experts->dispersion[k];
        real *slot = parameters_of(&experts->parameters, k) + experts->parameters.log_variance_at;
        if (experts->variance_is_learned) {
            dispersion->variance = moved(dispersion->variance, slot[BY_VARIANCE], floor, INFINITY);
            slot[BY_VARIANCE] = 0;
        }
        if (experts->freedom_is_learned) {
            dispersion->freedom =
                moved(dispersion->freedom, slot[BY_FREEDOM], FREEDOM_LEAST, FREEDOM_MOST);
            slot[BY_FREEDOM] = 0;
        }
    }
}

void experts_agreement(const struct experts *experts, size_t stride, const real *d, const real *y,
                       real *agreement)
{
    for (size_t k = 0; k < experts->n_local; k++)
        likelihood_agreement(&experts->likelihood, stride, d, experts_output(experts, k, stride), y,
                             agreement + k * stride);
}
