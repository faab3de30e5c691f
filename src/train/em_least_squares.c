#include "em_internal.h"

#include "coterie/base/memory.h"
#include "coterie/math/blas.h"

#include <math.h>
#include <string.h>

/* Samples are taken in tiles so that the weighted inputs stay in cache. */
enum { TILE = 512 };

status least_squares_init(struct em_least_squares *fit, const struct model *model,
                          size_t max_stride)
{
    size_t n_local = model->experts.n_local, outputs = model->config.n_outputs;
    memset(fit, 0, sizeof *fit);
    fit->n_units = model->config.n_inputs + 1;
    fit->width = fit->n_units + outputs;
    size_t tile = max_stride < TILE ? max_stride : TILE;
    struct {
        double **array;
        size_t count;
    } buffers[] = {{&fit->sums, n_local * fit->n_units * fit->width},
                   {&fit->target_square, n_local},
                   {&fit->weighted, fit->n_units * tile},
                   {&fit->change, outputs * fit->n_units + fit->n_units * fit->n_units}};
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
    memory_free(&fit->target_square);
    memory_free(&fit->weighted);
    memory_free(&fit->change);
    semidefinite_release(&fit->system);
}

LEAF_KERNEL static void weigh_row(size_t n, const real *restrict weight, const double *restrict row,
                                  double *restrict weighted)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        weighted[i] = (double)weight[i] * row[i];
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

void least_squares_add(struct em_least_squares *fit, const struct em_chunk *chunk, size_t k,
                       const real *weight, bool is_first)
{
    size_t units = fit->n_units, width = fit->width, stride = chunk->stride;
    double *sums = fit->sums + k * units * width;
    if (is_first) {
        memset(sums, 0, units * width * sizeof *sums);
        fit->target_square[k] = 0;
    }
    for (size_t at = 0; at < stride; at += TILE) {
        size_t n = stride - at < TILE ? stride - at : TILE;
        for (size_t u = 0; u < units; u++)
            weigh_row(n, weight + at, chunk->x + u * stride + at, fit->weighted + u * n);
        blas_add_products(units, width, n, fit->weighted, n, chunk->x + at, stride, sums, width);
    }
    for (size_t o = 0; o < chunk->n_outputs; o++)
        fit->target_square[k] += weighted_square(stride, weight, chunk->d + o * stride);
}

/* What the present parameters leave of S_xd: (S_xd - S_xx W^T)^T, (O, units). */
static void residual_products(const struct em_least_squares *fit, const double *sums,
                              const struct mlp *shape, const real *value, double *residual)
{
    size_t units = fit->n_units, inputs = units - 1, outputs = fit->width - units;
    for (size_t o = 0; o < outputs; o++)
        for (size_t u = 0; u < units; u++) {
            const double *row = sums + u * fit->width;
            double sum = row[units + o];
            for (size_t v = 0; v < inputs; v++)
                sum -= row[v] * (double)value[shape->weight_at[0] + o * inputs + v];
            residual[o * units + u] = sum - row[inputs] * (double)value[shape->bias_at[0] + o];
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
            square -= w * (sums[u * fit->width + units + o] + fit->change[o * units + u]);
        }
    return square;
}

void least_squares_solve(struct em_least_squares *fit, struct experts *experts, size_t k,
                         double variance_floor)
{
    const struct mlp *shape = &experts->shape;
    size_t units = fit->n_units, inputs = units - 1, outputs = fit->width - units;
    const double *sums = fit->sums + k * units * fit->width;
    real *value = parameters_of(&experts->parameters, k);
    double share = sums[inputs * fit->width + inputs]; /* sum w h */
    if (!(share > 0) || !isfinite(share))
        return; /* an expert that has no sample stays as it is */
    double *matrix = fit->change + outputs * units;
    for (size_t u = 0; u < units; u++)
        memcpy(matrix + u * units, sums + u * fit->width, units * sizeof *matrix);
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
    double square = squared_residual(fit, sums, fit->target_square[k], shape, value);
    experts->variance[k] = fmax(square / ((double)outputs * share), variance_floor);
}
