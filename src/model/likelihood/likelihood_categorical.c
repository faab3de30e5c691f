/* SPDX-License-Identifier: BSD-3-Clause */
/* l = sum_k d_k ln o_k, formed from ln o before o replaces it */
#include "likelihood_parts.h"

#include "math/softmax.h"
#include "math/vector_math.h"

#include <string.h>

/* loglik += d ln o; 0 ln 0 is 0 */
LEAF_KERNEL static void add_categorical(size_t n, const real *restrict d,
                                        const real *restrict log_o, real *restrict loglik)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        loglik[i] += d[i] != 0 ? d[i] * log_o[i] : 0;
}

LEAF_KERNEL static void exp_in_place(size_t n, real *log_o)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        log_o[i] = real_exp(log_o[i]);
}

static void forward(const struct likelihood *likelihood, struct dispersion dispersion,
                    size_t stride, const real *d, real *z_to_o, real *loglik, real *square)
{
    size_t n_outputs = likelihood->n_outputs;
    (void)dispersion;
    memset(loglik, 0, stride * sizeof(real));
    softmax_forward(n_outputs, stride, z_to_o, NULL, z_to_o);
    for (size_t k = 0; k < n_outputs; k++)
        add_categorical(stride, d + k * stride, z_to_o + k * stride, loglik);
    exp_in_place(n_outputs * stride, z_to_o);
    likelihood_squares(n_outputs, stride, d, z_to_o, square);
}

LEAF_KERNEL static void row_max(size_t n, const double *restrict z, double *restrict most)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        most[i] = z[i] > most[i] ? z[i] : most[i];
}

/* o = exp(z - most), and their sum */
LEAF_KERNEL static void row_exp(size_t n, const double *restrict most, const double *restrict z,
                                double *restrict o, double *restrict sum)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        o[i] = exp(z[i] - most[i]);
        sum[i] += o[i];
    }
}

/* o becomes a probability; loglik += d ln o, where 0 ln 0 is 0 */
LEAF_KERNEL static void row_divide(size_t n, const double *restrict most,
                                   const double *restrict sum, const double *restrict d,
                                   const double *restrict z, double *restrict o,
                                   double *restrict loglik)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        o[i] /= sum[i];
        loglik[i] += d[i] != 0 ? d[i] * (z[i] - most[i] - log(sum[i])) : 0;
    }
}

/* o_k (delta_kl - o_l) */
LEAF_KERNEL static void row_curvature(size_t n, double delta, const double *restrict o_k,
                                      const double *restrict o_l, double *restrict curvature)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        curvature[i] = o_k[i] * (delta - o_l[i]);
}

LEAF_KERNEL static void row_residual(size_t n, const double *restrict d, double *restrict o)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        o[i] = d[i] - o[i];
}

/* u_k = d_k - o_k, for targets that sum to 1. The first rows of curvature are work space at first.
 */
static void bend(const struct likelihood *likelihood, struct dispersion dispersion, size_t n,
                 const double *d, const double *z, const struct likelihood_bend *bend)
{
    size_t outputs = likelihood->n_outputs; /* 2 or more, so there are three rows or more */
    double *o = bend->slope, *most = bend->curvature, *sum = most + n, *at = bend->curvature;
    (void)dispersion;
    memcpy(most, z, n * sizeof *most);
    memset(sum, 0, n * sizeof *sum);
    memset(bend->loglik, 0, n * sizeof *bend->loglik);
    for (size_t k = 1; k < outputs; k++)
        row_max(n, z + k * n, most);
    for (size_t k = 0; k < outputs; k++)
        row_exp(n, most, z + k * n, o + k * n, sum);
    for (size_t k = 0; k < outputs; k++)
        row_divide(n, most, sum, d + k * n, z + k * n, o + k * n, bend->loglik);
    for (size_t k = 0; k < outputs; k++)
        for (size_t l = k; l < outputs; l++, at += n)
            row_curvature(n, k == l, o + k * n, o + l * n, at);
    for (size_t k = 0; k < outputs; k++)
        row_residual(n, d + k * n, o + k * n);
}

/* One class: 1 of it, 0 of the others. */
static void draw(const struct likelihood *likelihood, struct dispersion dispersion, const double *z,
                 struct rng *rng, double *d)
{
    size_t n = likelihood->n_outputs, chosen = 0;
    double most = z[0], sum = 0;
    (void)dispersion;
    for (size_t k = 1; k < n; k++)
        most = z[k] > most ? z[k] : most;
    for (size_t k = 0; k < n; k++)
        sum += exp(z[k] - most);
    double left = sum * rng_uniform(rng) - exp(z[0] - most);
    for (; left >= 0 && chosen + 1 < n; chosen++)
        left -= exp(z[chosen + 1] - most);
    for (size_t k = 0; k < n; k++)
        d[k] = k == chosen;
}

/* sum_k d_k ln o_k, from z less its largest: ln o_k = z_k - ln sum exp z */
static double log_density(const struct likelihood_sample *sample, const double *d)
{
    const double *z = sample->z;
    size_t stride = sample->stride;
    double log_sum = likelihood_log_sum_exp(sample->n_outputs, stride, z), value = 0;
    for (size_t k = 0; k < sample->n_outputs; k++)
        value += d[k] != 0 ? d[k] * (z[k * stride] - log_sum) : 0;
    return value;
}

const struct likelihood_family likelihood_categorical = {.label = "categorical",
                                                         .output = OUTPUT_SOFTMAX,
                                                         .is_classifier = true,
                                                         .forward = forward,
                                                         .backward = likelihood_canonical,
                                                         .log_density = log_density,
                                                         .variance_terms =
                                                             likelihood_binary_variance,
                                                         .bend = bend,
                                                         .draw = draw};
