/* SPDX-License-Identifier: BSD-3-Clause */
/* l = sum_k d_k ln o_k + (1 - d_k) ln(1 - o_k), formed from z before o replaces it */
#include "likelihood_parts.h"

#include "math/vector_math.h"

#include <string.h>

/* loglik += d z - ln(1 + e^z), which is d ln o + (1 - d) ln(1 - o) without cancellation */
LEAF_KERNEL static void add_bernoulli(size_t n, const real *restrict d, const real *restrict z,
                                      real *restrict loglik)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        real positive = z[i] > 0 ? z[i] : 0;
        loglik[i] += d[i] * z[i] - positive - real_log1p(real_exp(-real_abs(z[i])));
    }
}

static void forward(const struct likelihood *likelihood, struct dispersion dispersion,
                    size_t stride, const real *d, real *z_to_o, real *loglik, real *square)
{
    (void)dispersion;
    memset(loglik, 0, stride * sizeof(real));
    for (size_t k = 0; k < likelihood->n_outputs; k++)
        add_bernoulli(stride, d + k * stride, z_to_o + k * stride, loglik);
    output_functions[OUTPUT_LOGISTIC].apply(likelihood->n_outputs, stride, z_to_o);
    likelihood_squares(likelihood->n_outputs, stride, d, z_to_o, square);
}

/* u = d - o and curvature o (1 - o), from e^-|z| so that neither end loses digits. */
LEAF_KERNEL static void bend_output(size_t n, const double *restrict d, const double *restrict z,
                                    double *restrict slope, double *restrict curvature,
                                    double *restrict loglik)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        double e = exp(-fabs(z[i])), positive = z[i] > 0 ? z[i] : 0;
        slope[i] = d[i] - (z[i] > 0 ? 1 : e) / (1 + e);
        curvature[i] = e / ((1 + e) * (1 + e));
        loglik[i] += d[i] * z[i] - positive - log1p(e);
    }
}

static void bend(const struct likelihood *likelihood, struct dispersion dispersion, size_t n,
                 const double *d, const double *z, const struct likelihood_bend *bend)
{
    size_t outputs = likelihood->n_outputs;
    double *at = bend->curvature;
    (void)dispersion;
    memset(bend->loglik, 0, n * sizeof *bend->loglik);
    memset(at, 0, outputs * (outputs + 1) / 2 * n * sizeof *at);
    for (size_t k = 0; k < outputs; k++) {
        bend_output(n, d + k * n, z + k * n, bend->slope + k * n, at, bend->loglik);
        at += (outputs - k) * n;
    }
}

static void draw(const struct likelihood *likelihood, struct dispersion dispersion, const double *z,
                 struct rng *rng, double *d)
{
    (void)dispersion;
    for (size_t k = 0; k < likelihood->n_outputs; k++)
        d[k] = rng_uniform(rng) < 1 / (1 + exp(-z[k]));
}

/* sum s (d z - ln(1 + e^z)), and z becomes the logistic function */
LEAF_KERNEL static double row_bernoulli(size_t n, const double *restrict s,
                                        const double *restrict d, double *restrict z)
{
    double value = 0;
#pragma omp simd reduction(+ : value)
    for (size_t i = 0; i < n; i++) {
        double e = exp(-fabs(z[i])), positive = z[i] > 0 ? z[i] : 0;
        value += s[i] * (d[i] * z[i] - positive - log1p(e));
        z[i] = (z[i] > 0 ? 1 : e) / (1 + e);
    }
    return value;
}

static double value(const struct likelihood *likelihood, struct dispersion dispersion, size_t n,
                    const double *s, const double *d, double *z_to_o)
{
    (void)likelihood, (void)dispersion;
    return row_bernoulli(n, s, d, z_to_o);
}

static void slope(const struct likelihood *likelihood, struct dispersion dispersion, size_t n,
                  const double *s, const double *d, const double *o, double *r)
{
    (void)likelihood, (void)dispersion;
    likelihood_residual_row(n, s, d, o, r);
}

/* a = s o (1 - o) */
LEAF_KERNEL static void row_curvature(size_t n, const double *restrict s, const double *restrict o,
                                      double *restrict a)
{
    double least = likelihood_least_curvature;
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        double slope = o[i] * (1 - o[i]);
        a[i] = s[i] * (slope + least);
    }
}

static void curvature(const struct likelihood *likelihood, struct dispersion dispersion, size_t n,
                      const double *s, const double *d, const double *o, double *a)
{
    (void)likelihood, (void)dispersion, (void)d;
    row_curvature(n, s, o, a);
}

/* sum_k d_k z_k - ln(1 + exp z_k) */
static double log_density(const struct likelihood_sample *sample, const double *d)
{
    double sum = 0;
    for (size_t k = 0; k < sample->n_outputs; k++) {
        double at = sample->z[k * sample->stride];
        sum += d[k] * at - (at > 0 ? at : 0) - likelihood_log1p_exp(at);
    }
    return sum;
}

static const struct likelihood_newton newton = {
    .value = value, .slope = slope, .curvature = curvature};

const struct likelihood_family likelihood_bernoulli = {.label = "Bernoulli",
                                                       .output = OUTPUT_LOGISTIC,
                                                       .is_classifier = true,
                                                       .forward = forward,
                                                       .backward = likelihood_canonical,
                                                       .newton = &newton,
                                                       .log_density = log_density,
                                                       .variance_terms = likelihood_binary_variance,
                                                       .bend = bend,
                                                       .draw = draw};
