/* SPDX-License-Identifier: BSD-3-Clause */
#include "em_state.h"

#include "base/memory.h"
#include "math/blas.h"
#include "math/moments.h"

#include <math.h>
#include <string.h>

/* Truncated conjugate gradients need not end: every direction that they give leads uphill. */
enum { MOST_PRODUCTS = 20, MOST_HALVINGS = 30 };
static const double enough = 0.1, sufficient_rise = 1e-4;

status em_newton_init(struct em_newton *newton, struct em_linear *linear,
                      struct semidefinite *system)
{
    size_t n = linear->n_parameters, n_system = em_linear_system(linear);
    memset(newton, 0, sizeof *newton);
    newton->linear = linear;
    newton->system = system;
    struct {
        double **array;
        size_t count;
    } buffers[] = {{&newton->sums, em_linear_n_sums(linear, EM_SLOPE)},
                   {&newton->at, n},
                   {&newton->gradient, n},
                   {&newton->direction, n},
                   {&newton->candidate, n},
                   {&newton->residual, n},
                   {&newton->search, n},
                   {&newton->product, n},
                   {&newton->scratch, n > n_system * n_system ? n : n_system * n_system}};
    status outcome = STATUS_OK;
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0] && outcome == STATUS_OK; i++)
        outcome = memory_alloc(buffers[i].array, buffers[i].count, sizeof(double), "EM");
    return outcome;
}

void em_newton_release(struct em_newton *newton)
{
    memory_free(&newton->sums);
    memory_free(&newton->at);
    memory_free(&newton->gradient);
    memory_free(&newton->direction);
    memory_free(&newton->candidate);
    memory_free(&newton->residual);
    memory_free(&newton->search);
    memory_free(&newton->product);
    memory_free(&newton->scratch);
}

/* The lower triangle of a softmax's curvature, of all outputs but the last, from its blocks. */
static void couple(const struct em_linear *linear, const double *blocks, double *matrix)
{
    size_t units = linear->n_units, outputs = linear->n_outputs - 1, rows = outputs * units;
    size_t count = moments_count(units, units);
    for (size_t k = 0; k < outputs; k++)
        for (size_t l = k; l < outputs; l++, blocks += count)
            for (size_t u = 0; u < units; u++)
                for (size_t v = 0; v < units; v++)
                    matrix[(l * units + u) * rows + k * units + v] =
                        blocks[u < v ? moments_at(units, u, v) : moments_at(units, v, u)];
}

/* All outputs but the last, whose change is 0; then the changes are made to sum to 0. */
static void solve_softmax(struct em_newton *newton, const double *gradient, const double *curvature)
{
    const struct em_linear *linear = newton->linear;
    size_t units = linear->n_units, outputs = linear->n_outputs, rows = (outputs - 1) * units;
    double *direction = newton->direction;
    couple(linear, curvature, newton->scratch);
    memcpy(direction, gradient, rows * sizeof *direction);
    semidefinite_solve(newton->system, rows, newton->scratch, 1, direction);
    memset(direction + rows, 0, units * sizeof *direction);
}

static void solve_blocks(struct em_newton *newton, const double *gradient, const double *curvature)
{
    const struct em_linear *linear = newton->linear;
    size_t units = linear->n_units, count = moments_count(units, units);
    memcpy(newton->direction, gradient, linear->n_parameters * sizeof *gradient);
    for (size_t k = 0; k < linear->n_outputs; k++) {
        moments_unfold(units, units, curvature + k * count, newton->scratch);
        semidefinite_solve(newton->system, units, newton->scratch, 1,
                           newton->direction + k * units);
    }
}

static void precondition(size_t n, const double *diagonal, const double *residual, double *scaled)
{
    for (size_t i = 0; i < n; i++)
        scaled[i] = diagonal[i] > 0 ? residual[i] / diagonal[i] : 0;
}

/* Conjugate gradients for curvature * direction = gradient, preconditioned by the diagonal. */
static void solve_by_products(struct em_newton *newton, const double *gradient,
                              const double *diagonal)
{
    size_t n = newton->linear->n_parameters;
    double *residual = newton->residual, *search = newton->search, *scaled = newton->scratch;
    memset(newton->direction, 0, n * sizeof(double));
    memcpy(residual, gradient, n * sizeof(double));
    precondition(n, diagonal, residual, scaled);
    memcpy(search, scaled, n * sizeof(double));
    double norm = blas_dot(n, residual, scaled), first = norm;
    for (int i = 0; i < MOST_PRODUCTS && norm > enough * enough * first; i++) {
        newton->total(newton->context, EM_PRODUCT, search, newton->product);
        double bend = blas_dot(n, search, newton->product);
        if (!(bend > 0))
            return;
        double step = norm / bend;
        blas_add_scaled(n, step, search, newton->direction);
        blas_add_scaled(n, -step, newton->product, residual);
        precondition(n, diagonal, residual, scaled);
        double next = blas_dot(n, residual, scaled);
        for (size_t j = 0; j < n; j++)
            search[j] = scaled[j] + next / norm * search[j];
        norm = next;
    }
}

/* What all outputs of a softmax have in common changes nothing: it is taken out. */
static void centre(const struct em_linear *linear, double *direction)
{
    for (size_t u = 0; u < linear->n_units; u++) {
        double mean = 0;
        for (size_t k = 0; k < linear->n_outputs; k++)
            mean += direction[k * linear->n_units + u] / (double)linear->n_outputs;
        for (size_t k = 0; k < linear->n_outputs; k++)
            direction[k * linear->n_units + u] -= mean;
    }
}

static void find_direction(struct em_newton *newton)
{
    const struct em_linear *linear = newton->linear;
    const double *gradient = newton->gradient;
    const double *curvature = newton->sums + EM_GRADIENT_AT + linear->n_parameters;
    if (!linear->is_factored)
        solve_by_products(newton, gradient, curvature);
    else if (linear->raised->is_coupled)
        solve_softmax(newton, gradient, curvature);
    else
        solve_blocks(newton, gradient, curvature);
    if (linear->raised->is_centred)
        centre(linear, newton->direction);
}

/* The sums of EM_SLOPE at theta become `sums`. */
static void measure(struct em_newton *newton, const double *theta)
{
    newton->total(newton->context, EM_SLOPE, theta, newton->sums);
    em_linear_hold_unseen(newton->linear, newton->sums);
    memcpy(newton->at, theta, newton->linear->n_parameters * sizeof *theta);
    newton->has_sums = newton->keeps_sums;
}

static bool is_measured(const struct em_newton *newton, const double *theta)
{
    return newton->has_sums &&
           memcmp(newton->at, theta, newton->linear->n_parameters * sizeof *theta) == 0;
}

static double add_targets(const struct em_newton *newton, double value, const double *theta)
{
    size_t n = newton->linear->n_parameters;
    return newton->target_sums ? value + blas_dot(n, theta, newton->target_sums) : value;
}

static void take_gradient(struct em_newton *newton)
{
    size_t n = newton->linear->n_parameters;
    memcpy(newton->gradient, newton->sums + EM_GRADIENT_AT, n * sizeof(double));
    if (!newton->target_sums)
        return;
    blas_add_scaled(n, 1, newton->target_sums, newton->gradient);
    /* Targets sum to 1, but for rounding where `real` is float. */
    centre(newton->linear, newton->gradient);
}

/* The value at the candidate. The first candidate is mostly the one that stays. */
static double try_candidate(struct em_newton *newton, bool is_first)
{
    double value;
    if (is_first && newton->keeps_sums) {
        measure(newton, newton->candidate);
        value = newton->sums[EM_VALUE_AT];
    } else {
        newton->total(newton->context, EM_VALUE, newton->candidate, &value);
    }
    return add_targets(newton, value, newton->candidate);
}

/* candidate = theta + length * direction, as the model will hold it; false: that is theta. */
static bool place_candidate(struct em_newton *newton, const double *theta, double length)
{
    size_t n = newton->linear->n_parameters;
    double *candidate = newton->candidate;
    memcpy(candidate, theta, n * sizeof *theta);
    blas_add_scaled(n, length, newton->direction, candidate);
    for (size_t i = 0; i < n; i++)
        candidate[i] = (double)(real)candidate[i];
    return memcmp(candidate, theta, n * sizeof *theta) != 0;
}

double em_newton_step(struct em_newton *newton, double *theta)
{
    size_t n = newton->linear->n_parameters;
    if (!is_measured(newton, theta))
        measure(newton, theta);
    double before = add_targets(newton, newton->sums[EM_VALUE_AT], theta);
    take_gradient(newton);
    find_direction(newton);
    double slope = blas_dot(n, newton->gradient, newton->direction), length = 1;
    for (int i = 0; i < MOST_HALVINGS && slope > 0; i++, length /= 2) {
        if (!place_candidate(newton, theta, length))
            break;
        double value = try_candidate(newton, i == 0);
        if (value >= before + sufficient_rise * length * slope) {
            memcpy(theta, newton->candidate, n * sizeof *theta);
            return value;
        }
    }
    return before;
}
