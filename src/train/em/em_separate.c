/* SPDX-License-Identifier: BSD-3-Clause */
/* Linear experts whose outputs do not know of each other: what their likelihood says of one. */
#include "em_state.h"

static double value(const struct em_linear *linear, size_t stride, const double *target)
{
    const struct likelihood *likelihood = &linear->likelihood;
    const struct likelihood_newton *newton = likelihood_family(likelihood->kind)->newton;
    double sum = 0;
    for (size_t k = 0; k < linear->n_outputs; k++)
        sum += newton->value(likelihood, linear->dispersion, stride, linear->s, target + k * stride,
                             linear->z + k * stride);
    return sum;
}

static void residuals(const struct em_linear *linear, size_t stride, const double *target)
{
    const struct likelihood *likelihood = &linear->likelihood;
    const struct likelihood_newton *newton = likelihood_family(likelihood->kind)->newton;
    for (size_t k = 0; k < linear->n_outputs; k++)
        newton->slope(likelihood, linear->dispersion, stride, linear->s, target + k * stride,
                      linear->z + k * stride, linear->r + k * stride);
}

static void weights(const struct em_linear *linear, size_t n, const double *s, const double *target,
                    const double *o, const double *other, double *a)
{
    const struct likelihood *likelihood = &linear->likelihood;
    (void)other;
    likelihood_family(likelihood->kind)
        ->newton->curvature(likelihood, linear->dispersion, n, s, target, o, a);
}

static void diagonal(const struct em_linear *linear, size_t stride, const double *target)
{
    for (size_t k = 0; k < linear->n_outputs; k++) {
        const double *o = linear->z + k * stride;
        weights(linear, stride, linear->s, target + k * stride, o, o, linear->r + k * stride);
    }
}

LEAF_KERNEL static void multiply_row(size_t n, const double *restrict factor, double *restrict v)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        v[i] *= factor[i];
}

static void apply(const struct em_linear *linear, size_t stride, const double *target,
                  const double *kept)
{
    for (size_t k = 0; k < linear->n_outputs; k++) {
        const double *o = kept + k * stride;
        double *a = linear->z + k * stride;
        weights(linear, stride, linear->s, target + k * stride, o, o, a);
        multiply_row(stride, a, linear->r + k * stride);
    }
}

const struct em_raised em_separate = {.most_unknowns = 512,
                                      .value = value,
                                      .residuals = residuals,
                                      .weights = weights,
                                      .diagonal = diagonal,
                                      .apply = apply};
