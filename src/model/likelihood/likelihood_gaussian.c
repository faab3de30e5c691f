/* SPDX-License-Identifier: BSD-3-Clause */
/* l = -q / (2 s2) - O/2 ln s2, q = |d - o|^2, s2 the variance; any output function */
#include "likelihood_parts.h"

#include "model/mixture/normal_mixture.h"

#include <math.h>
#include <string.h>

#define LOG_2_PI 1.8378770664093454836

LEAF_KERNEL static void gaussian_row(size_t n, real scale, real offset, const real *restrict square,
                                     real *restrict loglik)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        loglik[i] = scale * square[i] + offset;
}

static void forward(const struct likelihood *likelihood, struct dispersion dispersion,
                    size_t stride, const real *d, real *z_to_o, real *loglik, real *square)
{
    const struct output_function *output = &output_functions[likelihood->output];
    size_t n_outputs = likelihood->n_outputs;
    if (output->apply)
        output->apply(n_outputs, stride, z_to_o);
    likelihood_squares(n_outputs, stride, d, z_to_o, square);
    gaussian_row(stride, (real)(-0.5 / dispersion.variance),
                 (real)(-0.5 * (double)n_outputs * log(dispersion.variance)), square, loglik);
}

static void backward(const struct likelihood *likelihood, struct dispersion dispersion,
                     size_t stride, const real *d, const real *o, const real *coefficient,
                     real *d_z)
{
    likelihood_chain(likelihood, (real)(1 / dispersion.variance), stride, d, o, o, coefficient,
                     d_z);
}

/* sum of coefficient * (O/2 - q / (2 s2)) */
LEAF_KERNEL static double weighted_excess(size_t n, double half_outputs, double half_precision,
                                          const real *restrict square,
                                          const real *restrict coefficient)
{
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < n; i++)
        sum += (double)coefficient[i] * (half_outputs - half_precision * (double)square[i]);
    return sum;
}

static void dispersion_gradient(const struct likelihood *likelihood, struct dispersion dispersion,
                                size_t stride, const real *d, const real *o, const real *square,
                                const real *coefficient, double sum[N_DISPERSIONS])
{
    (void)d, (void)o;
    sum[BY_VARIANCE] = weighted_excess(stride, 0.5 * (double)likelihood->n_outputs,
                                       0.5 / dispersion.variance, square, coefficient);
    sum[BY_FREEDOM] = 0;
}

static double steepness(struct dispersion dispersion, double mean)
{
    (void)mean;
    return 1 / sqrt(dispersion.variance);
}

/* Of one output: u = (d - z) / s2, and the mixed derivative with ln s2, which is u again. */
LEAF_KERNEL static void bend_output(size_t n, double precision, const double *restrict d,
                                    const double *restrict z, double *restrict slope,
                                    double *restrict mixed, double *restrict square)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        double residual = d[i] - z[i];
        slope[i] = mixed[i] = precision * residual;
        square[i] += residual * residual;
    }
}

/* dl/d ln s2 = q / (2 s2) - O/2, whose derivative is -q / (2 s2) */
LEAF_KERNEL static void bend_variance(size_t n, double precision, double half_outputs,
                                      double log_variance, double *restrict square_to_curvature,
                                      double *restrict slope, double *restrict loglik)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        double half = 0.5 * precision * square_to_curvature[i];
        slope[i] = half - half_outputs;
        loglik[i] = -half - half_outputs * log_variance;
        square_to_curvature[i] = half;
    }
}

static void bend(const struct likelihood *likelihood, struct dispersion dispersion, size_t n,
                 const double *d, const double *z, const struct likelihood_bend *bend)
{
    size_t outputs = likelihood->n_outputs;
    double precision = 1 / dispersion.variance, *at = bend->curvature;
    double *of_variance = at + (outputs + 1) * (outputs + 2) / 2 * n - n;
    memset(at, 0, (size_t)(of_variance - at + (ptrdiff_t)n) * sizeof *at);
    for (size_t k = 0; k < outputs; k++) {
        double *mixed = at + (outputs - k) * n;
        for (size_t i = 0; i < n; i++)
            at[i] = precision;
        bend_output(n, precision, d + k * n, z + k * n, bend->slope + k * n, mixed, of_variance);
        at = mixed + n;
    }
    bend_variance(n, precision, 0.5 * (double)outputs, log(dispersion.variance), of_variance,
                  bend->slope + outputs * n, bend->loglik);
}

/* By Box & Muller; 1 - u is above 0. */
static void draw(const struct likelihood *likelihood, struct dispersion dispersion, const double *z,
                 struct rng *rng, double *d)
{
    const double pi = 3.14159265358979323846;
    for (size_t k = 0; k < likelihood->n_outputs; k++) {
        double radius = sqrt(-2 * dispersion.variance * log(1 - rng_uniform(rng)));
        d[k] = z[k] + radius * cos(2 * pi * rng_uniform(rng));
    }
}

/* -1/2 sum s (d - o)^2 */
LEAF_KERNEL static double row_squares(size_t n, const double *restrict s, const double *restrict d,
                                      const double *restrict o)
{
    double value = 0;
#pragma omp simd reduction(+ : value)
    for (size_t i = 0; i < n; i++)
        value -= 0.5 * s[i] * (d[i] - o[i]) * (d[i] - o[i]);
    return value;
}

/* Newton's steps are for outputs that are no identity; the variance scales all of the sum. */
static double squares(const struct likelihood *likelihood, struct dispersion dispersion, size_t n,
                      const double *s, const double *d, double *z_to_o)
{
    (void)dispersion;
    output_functions[likelihood->output].apply_row(n, z_to_o);
    return row_squares(n, s, d, z_to_o);
}

LEAF_KERNEL static void row_slope(size_t n, const double *restrict s, const double *restrict d,
                                  const double *restrict o, double *restrict slope_to_r)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        slope_to_r[i] *= s[i] * (d[i] - o[i]);
}

static void slope(const struct likelihood *likelihood, struct dispersion dispersion, size_t n,
                  const double *s, const double *d, const double *o, double *r)
{
    (void)dispersion;
    output_functions[likelihood->output].slope_row(n, o, r);
    row_slope(n, s, d, o, r);
}

LEAF_KERNEL static void row_curvature(size_t n, const double *restrict s,
                                      double *restrict slope_to_a)
{
    double least = likelihood_least_curvature;
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        slope_to_a[i] = s[i] * (slope_to_a[i] * slope_to_a[i] + least);
}

/* Gauss and Newton's part: s (do/dz)^2 */
static void curvature(const struct likelihood *likelihood, struct dispersion dispersion, size_t n,
                      const double *s, const double *d, const double *o, double *a)
{
    (void)dispersion, (void)d;
    output_functions[likelihood->output].slope_row(n, o, a);
    row_curvature(n, s, a);
}

/* -q / (2 s2) - O/2 ln(2 pi s2) */
static double log_density(const struct likelihood_sample *sample, const double *d)
{
    double square = 0;
    for (size_t k = 0; k < sample->n_outputs; k++) {
        double o = sample->o[k * sample->stride];
        square += (d[k] - o) * (d[k] - o);
    }
    return -0.5 * square / sample->dispersion.variance -
           0.5 * (double)sample->n_outputs * (LOG_2_PI + log(sample->dispersion.variance));
}

static struct variance_terms variance_terms(struct dispersion dispersion)
{
    return (struct variance_terms){.constant = dispersion.variance};
}

static const struct likelihood_newton newton = {
    .value = squares, .slope = slope, .curvature = curvature};

const struct likelihood_family likelihood_gaussian = {.label = "Gaussian",
                                                      .output = OUTPUT_ANY,
                                                      .has_variance = true,
                                                      .row = &likelihood_sigma,
                                                      .steepness = steepness,
                                                      .dispersion_gradient = dispersion_gradient,
                                                      .is_closed_form = true,
                                                      .minus_constant = 0.5 * LOG_2_PI,
                                                      .forward = forward,
                                                      .backward = backward,
                                                      .newton = &newton,
                                                      .log_density = log_density,
                                                      .variance_terms = variance_terms,
                                                      .continuous = &normal_component,
                                                      .bend = bend,
                                                      .draw = draw};
