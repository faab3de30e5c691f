/* SPDX-License-Identifier: BSD-3-Clause */
#include "likelihood_parts.h"

#include <math.h>

LEAF_KERNEL void likelihood_squares(size_t n_outputs, size_t n, const real *restrict d,
                                    const real *restrict o, real *restrict square)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        square[i] = (d[i] - o[i]) * (d[i] - o[i]);
    for (size_t k = 1; k < n_outputs; k++)
#pragma omp simd
        for (size_t i = 0; i < n; i++) {
            real residual = d[k * n + i] - o[k * n + i];
            square[i] += residual * residual;
        }
}

LEAF_KERNEL void likelihood_residuals(size_t n_outputs, size_t n, real scale,
                                      const real *restrict d, const real *prediction,
                                      const real *restrict coefficient, real *restrict d_o)
{
    for (size_t k = 0; k < n_outputs; k++, d += n, prediction += n, d_o += n)
#pragma omp simd
        for (size_t i = 0; i < n; i++)
            d_o[i] = coefficient[i] * scale * (prediction[i] - d[i]);
}

void likelihood_canonical(const struct likelihood *likelihood, struct dispersion dispersion,
                          size_t stride, const real *d, const real *o, const real *coefficient,
                          real *d_z)
{
    (void)dispersion;
    likelihood_residuals(likelihood->n_outputs, stride, 1, d, o, coefficient, d_z);
}

void likelihood_chain(const struct likelihood *likelihood, real scale, size_t stride, const real *d,
                      const real *prediction, const real *o, const real *coefficient, real *d_z)
{
    const struct output_function *output = &output_functions[likelihood->output];
    likelihood_residuals(likelihood->n_outputs, stride, scale, d, prediction, coefficient, d_z);
    if (output->chain)
        output->chain(likelihood->n_outputs, stride, o, d_z);
}

LEAF_KERNEL void likelihood_residual_row(size_t n, const double *restrict s,
                                         const double *restrict d, const double *restrict o,
                                         double *restrict r)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        r[i] = s[i] * (d[i] - o[i]);
}

double likelihood_log_sum_exp(size_t n_outputs, size_t stride, const double *z)
{
    double sum = exp(z[0]);
    for (size_t k = 1; k < n_outputs; k++)
        sum += exp(z[k * stride]);
    return log(sum);
}

double likelihood_log1p_exp(double z)
{
    return log1p(exp(-fabs(z)));
}

struct variance_terms likelihood_binary_variance(struct dispersion dispersion)
{
    (void)dispersion;
    return (struct variance_terms){.linear = 1, .square = -1};
}

void likelihood_scale_outputs(const struct likelihood *likelihood, struct dispersion dispersion,
                              size_t stride, real *o)
{
    const struct likelihood_family *family = likelihood_family(likelihood->kind);
    double factor = family->mean_factor ? family->mean_factor(dispersion) : 1;
    for (size_t i = 0; family->mean_factor && i < likelihood->n_outputs * stride; i++)
        o[i] = (real)(factor * (double)o[i]);
}

static double sigma(double log_variance)
{
    return exp(0.5 * log_variance);
}

static double sigma_slope(double log_variance)
{
    return 0.5 * exp(0.5 * log_variance);
}

const struct dispersion_row likelihood_sigma = {"sigma", true, sigma, sigma_slope};

bool likelihood_is_count(double d)
{
    return d >= 0 && d == floor(d);
}

double likelihood_count_base(double d)
{
    if (!likelihood_is_count(d))
        return -INFINITY;
    return (d > 0 ? d * log(d) - d : 0) - lgamma(d + 1);
}
