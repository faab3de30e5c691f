/* SPDX-License-Identifier: BSD-3-Clause */
#include "em_state.h"

#include "base/memory.h"
#include "math/moments.h"

#include <math.h>
#include <string.h>

status least_squares_init(struct em_least_squares *fit, const struct model *model, size_t n_outputs,
                          size_t max_stride)
{
    size_t n_local = model->experts.n_local;
    memset(fit, 0, sizeof *fit);
    fit->n_units = model->config.n_inputs + 1;
    fit->width = fit->n_units + n_outputs;
    fit->n_local = n_local;
    fit->row = moments_count(fit->n_units, fit->width) + 1;
    size_t tile = max_stride < MOMENTS_TILE ? max_stride : MOMENTS_TILE;
    struct {
        double **array;
        size_t count;
    } buffers[] = {{&fit->sums, n_local * fit->row},
                   {&fit->weight, n_local * tile},
                   {&fit->change, n_outputs * fit->n_units + fit->n_units * fit->n_units}};
    status outcome = STATUS_OK;
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0] && outcome == STATUS_OK; i++)
        outcome = memory_alloc(buffers[i].array, buffers[i].count, sizeof(double), "least squares");
    if (outcome == STATUS_OK)
        outcome = semidefinite_init(&fit->system, fit->n_units);
    return outcome;
}

void least_squares_release(struct em_least_squares *fit)
{
    memory_free(&fit->sums);
    memory_free(&fit->weight);
    memory_free(&fit->change);
    semidefinite_release(&fit->system);
}

LEAF_KERNEL static void scale_weights(size_t n, double factor, const real *restrict from,
                                      double *restrict to)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        to[i] = factor * (double)from[i];
}

LEAF_KERNEL static double weighted_square(size_t n, const real *restrict weight,
                                          const double *restrict row)
{
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < n; i++)
        sum += (double)weight[i] * row[i] * row[i];
    return sum;
}

void least_squares_begin(struct em_least_squares *fit, double keep, double factor)
{
    size_t n = fit->n_local * fit->row;
    fit->factor = factor;
    for (size_t i = 0; i < n; i++)
        fit->sums[i] = keep > 0 ? keep * fit->sums[i] : 0;
}

void least_squares_add(struct em_least_squares *fit, const struct em_chunk *chunk,
                       const real *weight)
{
    size_t stride = chunk->stride;
    for (size_t at = 0; at < stride; at += MOMENTS_TILE) {
        size_t n = stride - at < MOMENTS_TILE ? stride - at : MOMENTS_TILE;
        for (size_t k = 0; k < fit->n_local; k++)
            scale_weights(n, fit->factor, weight + k * stride + at, fit->weight + k * n);
        moments_add(fit->n_local, fit->n_units, fit->width, n, fit->weight, n, chunk->x + at,
                    stride, fit->sums, fit->row);
    }
    for (size_t k = 0; k < fit->n_local; k++)
        for (size_t o = 0; o < fit->width - fit->n_units; o++)
            fit->sums[k * fit->row + fit->row - 1] +=
                fit->factor * weighted_square(stride, weight + k * stride, chunk->d + o * stride);
}

static double moment(const struct em_least_squares *fit, const double *sums, size_t u, size_t v)
{
    return sums[u < v ? moments_at(fit->width, u, v) : moments_at(fit->width, v, u)];
}

double least_squares_moment(const struct em_least_squares *fit, size_t k, size_t u, size_t v)
{
    return moment(fit, fit->sums + k * fit->row, u, v);
}

/* What the present parameters leave of S_xd: (S_xd - S_xx W^T)^T, (O, units). */
static void residual_products(const struct em_least_squares *fit, const double *sums,
                              const struct mlp *shape, const real *value, double *residual)
{
    size_t units = fit->n_units, inputs = units - 1, outputs = fit->width - units;
    for (size_t o = 0; o < outputs; o++)
        for (size_t u = 0; u < units; u++) {
            double sum = moment(fit, sums, u, units + o);
            for (size_t v = 0; v < inputs; v++)
                sum -=
                    moment(fit, sums, u, v) * (double)value[shape->weight_at[0] + o * inputs + v];
            sum -= moment(fit, sums, u, inputs) * (double)value[shape->bias_at[0] + o];
            residual[o * units + u] = sum;
        }
}

/* sum w h |d - o|^2 = sum w h |d|^2 - W . (S_xd + what W leaves of it) */
static double squared_residual(const struct em_least_squares *fit, const double *sums,
                               double target_square, const struct mlp *shape, const real *value)
{
    size_t units = fit->n_units, inputs = units - 1, outputs = fit->width - units;
    double square = target_square;
    residual_products(fit, sums, shape, value, fit->change);
    for (size_t o = 0; o < outputs; o++)
        for (size_t u = 0; u < units; u++) {
            double w = (double)(u < inputs ? value[shape->weight_at[0] + o * inputs + u]
                                           : value[shape->bias_at[0] + o]);
            square -= w * (moment(fit, sums, u, units + o) + fit->change[o * units + u]);
        }
    return square;
}

void least_squares_solve(struct em_least_squares *fit, struct experts *experts, size_t k,
                         double variance_floor)
{
    const struct mlp *shape = &experts->shape;
    size_t units = fit->n_units, inputs = units - 1, outputs = fit->width - units;
    const double *sums = fit->sums + k * fit->row;
    real *value = parameters_of(&experts->parameters, k);
    double share = moment(fit, sums, inputs, inputs); /* sum w h */
    if (!(share > fit->least_share) || !isfinite(share))
        return; /* an expert that has no sample stays as it is */
    double *matrix = fit->change + outputs * units;
    moments_unfold(units, fit->width, sums, matrix);
    for (size_t u = 0; u < inputs; u++)
        if (!input_choice_has(&shape->seen, u))
            matrix[u * units + u] = 0; /* which the solution has no part in */
    residual_products(fit, sums, shape, value, fit->change);
    semidefinite_solve(&fit->system, units, matrix, outputs, fit->change);
    for (size_t o = 0; o < outputs; o++) {
        const double *change = fit->change + o * units;
        for (size_t u = 0; u < inputs; u++)
            value[shape->weight_at[0] + o * inputs + u] += (real)change[u];
        value[shape->bias_at[0] + o] += (real)change[inputs];
    }
    if (!experts->variance_is_learned)
        return;
    double square = squared_residual(fit, sums, sums[fit->row - 1], shape, value);
    experts->dispersion[k].variance = fmax(square / ((double)outputs * share), variance_floor);
}
