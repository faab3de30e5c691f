/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Counts d = 0, 1, 2, ... with mean o = e^z: ln p(d) = d z - e^z - ln d!. Of it l has
 * d z - e^z - (d ln d - d), at most 0, in double: it is a small difference of large terms.
 */
#include "likelihood_parts.h"

#include "math/vector_math.h"

#include <math.h>
#include <string.h>

LEAF_KERNEL static void add_poisson(size_t n, const real *restrict d, const real *restrict z,
                                    real *restrict loglik)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        double count = (double)d[i], at = (double)z[i];
        loglik[i] += (real)(count * (at - log(count > 0 ? count : 1)) + (count - exp(at)));
    }
}

static void forward(const struct likelihood *likelihood, struct dispersion dispersion,
                    size_t stride, const real *d, real *z_to_o, real *loglik, real *square)
{
    (void)dispersion;
    memset(loglik, 0, stride * sizeof(real));
    for (size_t k = 0; k < likelihood->n_outputs; k++)
        add_poisson(stride, d + k * stride, z_to_o + k * stride, loglik);
    output_functions[OUTPUT_EXP].apply(likelihood->n_outputs, stride, z_to_o);
    likelihood_squares(likelihood->n_outputs, stride, d, z_to_o, square);
}

/* sum s (d z - e^z), and z becomes e^z */
LEAF_KERNEL static double row_value(size_t n, const double *restrict s, const double *restrict d,
                                    double *restrict z)
{
    double value = 0;
#pragma omp simd reduction(+ : value)
    for (size_t i = 0; i < n; i++) {
        double o = exp(z[i]);
        value += s[i] * (d[i] * z[i] - o);
        z[i] = o;
    }
    return value;
}

static double value(const struct likelihood *likelihood, struct dispersion dispersion, size_t n,
                    const double *s, const double *d, double *z_to_o)
{
    (void)likelihood, (void)dispersion;
    return row_value(n, s, d, z_to_o);
}

static void slope(const struct likelihood *likelihood, struct dispersion dispersion, size_t n,
                  const double *s, const double *d, const double *o, double *r)
{
    (void)likelihood, (void)dispersion;
    likelihood_residual_row(n, s, d, o, r);
}

/* a = s o */
LEAF_KERNEL static void row_curvature(size_t n, const double *restrict s, const double *restrict o,
                                      double *restrict a)
{
    double least = likelihood_least_curvature;
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        a[i] = s[i] * (o[i] + least);
}

static void curvature(const struct likelihood *likelihood, struct dispersion dispersion, size_t n,
                      const double *s, const double *d, const double *o, double *a)
{
    (void)likelihood, (void)dispersion, (void)d;
    row_curvature(n, s, o, a);
}

/* u = d - o and curvature o */
LEAF_KERNEL static void bend_output(size_t n, const double *restrict d, const double *restrict z,
                                    double *restrict slope, double *restrict curvature,
                                    double *restrict loglik)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        double o = exp(z[i]);
        slope[i] = d[i] - o;
        curvature[i] = o;
        loglik[i] += d[i] * (z[i] - log(d[i] > 0 ? d[i] : 1)) + (d[i] - o);
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

static double log_density(const struct likelihood_sample *sample, const double *d)
{
    double sum = 0;
    for (size_t k = 0; k < sample->n_outputs; k++) {
        if (!likelihood_is_count(d[k]))
            return -INFINITY;
        double z = sample->z[k * sample->stride], o = sample->o[k * sample->stride];
        sum += (d[k] > 0 ? d[k] * z : 0) - o - lgamma(d[k] + 1);
    }
    return sum;
}

static struct variance_terms variance_terms(struct dispersion dispersion)
{
    (void)dispersion;
    return (struct variance_terms){.linear = 1};
}

static double count_cdf(struct dispersion dispersion, double o, double t)
{
    (void)dispersion;
    return poisson_cdf(o, t);
}

static const struct count_component component = {count_cdf, variance_terms};

/* dl/dz is about the root of the mean. */
static double steepness(struct dispersion dispersion, double mean)
{
    (void)dispersion;
    return sqrt(1 + mean);
}

static const struct likelihood_newton newton = {
    .value = value, .slope = slope, .curvature = curvature};

const struct likelihood_family likelihood_poisson = {.label = "Poisson",
                                                     .link = "log mean of ",
                                                     .output = OUTPUT_EXP,
                                                     .targets = TARGETS_COUNTS,
                                                     .steepness = steepness,
                                                     .log_base = likelihood_count_base,
                                                     .forward = forward,
                                                     .backward = likelihood_canonical,
                                                     .bend = bend,
                                                     .newton = &newton,
                                                     .log_density = log_density,
                                                     .variance_terms = variance_terms,
                                                     .counts = &component};
